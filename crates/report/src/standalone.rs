//! One figure as a file of its own, for a README or a slide: the wide form on the page's ground, with its title, the colours of
//! both themes, and the verdict where the run is not VALID, since nothing else goes along that could say so.

use crate::{
    Dataset, RenderError, Status,
    charts::{Figure, Figures, Input},
    page::lane_colours,
    summarise,
    verdict::judge,
};

/// The page's, of which only the colours are taken: they stand before the first rule for all elements.
const STYLE: &str = include_str!("../templates/style.css");
/// What else a drawing takes from the page.
const RULES: &str = "text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif;font-variant-numeric:tabular-nums}\n\
                     .tips{fill:none;pointer-events:all}.doubt{fill:var(--amber)}.broken{fill:var(--red)}\n\
                     @media (prefers-color-scheme:dark){.broken{fill:#F87171}}";

/// Of the wide form in pixels; the units of its view are finer.
const WIDTH_PX: u32 = 920;
/// On all sides, in pixels.
const MARGIN_PX: u32 = 20;
/// For the title above the drawing, in pixels.
const TITLE_PX: u32 = 32;

/// Draws the figure with this id.
pub(crate) fn chart(data: &Dataset, id: &str) -> Result<String, RenderError> {
    let verdict = judge(data);
    let summary = summarise::summarise(data, &verdict);
    let Figures { differences, latency, bytes, cost, reliability, sensitivity } =
        Figures::draw(Input { data, summary: &summary, verdict: &verdict })?;
    let figures: Vec<Figure> =
        [differences, latency, bytes, cost, reliability, sensitivity].into_iter().flatten().collect();
    let figure = figures.iter().find(|figure| figure.id == id);
    let drawn = figure.and_then(|figure| file(figure, verdict.status, &lane_colours(&data.lanes)));
    drawn.ok_or_else(|| RenderError::NoFigure {
        id: id.to_owned(),
        known: figures.iter().map(|figure| figure.id).collect::<Vec<_>>().join(", "),
    })
}

/// The drawing inside a file of its own; none when it does not begin as all figures do.
fn file(figure: &Figure, status: Status, lane_colours: &str) -> Option<String> {
    let title = figure.title;
    let verdict = match status {
        Status::Valid => "",
        Status::Suspect => " <tspan class=\"doubt\">SUSPECT</tspan>",
        Status::Invalid => " <tspan class=\"broken\">INVALID</tspan>",
    };
    let (view, rest) = figure.wide.strip_prefix("<svg viewBox=\"0 0 ")?.split_once('"')?;
    let (fine_width, fine_height) = view.split_once(' ')?;
    let height = fine_height.parse::<u32>().ok()? * WIDTH_PX / fine_width.parse::<u32>().ok()?;
    let (outer_width, outer_height) = (WIDTH_PX + 2 * MARGIN_PX, height + 2 * MARGIN_PX + TITLE_PX);
    let (top, baseline) = (MARGIN_PX + TITLE_PX, MARGIN_PX + TITLE_PX / 2);
    let (palette, _) = STYLE.split_once("\n*{")?;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {outer_width} {outer_height}\" width=\"{outer_width}\" height=\"{outer_height}\">\n\
         <style>\n{palette}\n{lane_colours}\n{RULES}\n</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>\n\
         <text x=\"{MARGIN_PX}\" y=\"{baseline}\" font-size=\"16\" font-weight=\"600\" fill=\"var(--ink)\">{title}{verdict}</text>\n\
         <svg x=\"{MARGIN_PX}\" y=\"{top}\" width=\"{WIDTH_PX}\" height=\"{height}\" viewBox=\"0 0 {view}\"{rest}\n\
         </svg>\n"
    ))
}
