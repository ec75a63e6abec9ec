//! The page: one offline HTML file that reads without JavaScript, in light, dark and print.

use askama::Template;
use record::FILE_NAME;

use crate::{
    RenderError,
    charts::{Figure, Figures, Input, MEMORY_FIGURE},
    claims::Withdrawn,
    columns::{both, columns, row},
    dataset::{Dataset, Lane},
    environment, glossary,
    numbers::{count, excess_percent, percent, three_digits, time, time_interval},
    pitfalls::{self, Theme},
    prose,
    summary::{LaneSummary, Summary},
    text::{Sentence, answer, computed},
    verdict::{Check, Outcome, Status, Verdict},
    view::{CellView, RowView, TableView, lane_head},
};

/// Beside a lane of which a line under the first table says more; the template has it too.
const FOOTNOTE: &str = "*";

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    scenario: String,
    question: String,
    run: Vec<String>,
    lane_colours: String,
    status: Status,
    status_class: &'static str,
    checks: String,
    reasons: Vec<String>,
    withdrawn: Vec<String>,
    answer: Vec<Sentence>,
    lanes: TableView,
    lanes_hint: &'static str,
    computed: Vec<String>,
    computed_how: Vec<String>,
    limits: Vec<String>,
    check_rows: Vec<CheckRow>,
    unclaimed: Vec<String>,
    repeated: Option<String>,
    environment: Vec<(&'static str, String)>,
    kernel_settings: Vec<(String, String)>,
    differences: Vec<FigureView>,
    latency: Vec<FigureView>,
    empty_latency: &'static str,
    drift: Vec<String>,
    bytes: Vec<FigureView>,
    empty_bytes: &'static str,
    cost: Vec<FigureView>,
    empty_cpu: &'static str,
    costs: TableView,
    costs_hint: &'static str,
    no_memory: Option<String>,
    reliability: Vec<FigureView>,
    errors: Vec<String>,
    sensitivity: Vec<FigureView>,
    pitfalls_tally: String,
    pitfalls: Vec<Theme>,
    record_file: &'static str,
    command: String,
    provenance: String,
}

#[derive(Template)]
#[template(path = "figure.html")]
struct FigureView {
    id: &'static str,
    title: &'static str,
    answer: String,
    wide: String,
    narrow: String,
    note: String,
    table: TableView,
}

struct CheckRow {
    class: &'static str,
    outcome: &'static str,
    name: &'static str,
    detail: String,
}

/// The whole page.
pub(crate) fn page(data: &Dataset, summary: &Summary, verdict: &Verdict) -> Result<String, RenderError> {
    let input = Input { data, summary, verdict };
    let figures = Figures::draw(input)?;
    let pitfalls = pitfalls::pitfalls(input);
    let scenario = &data.header.scenario;
    let [empty_bytes, empty_cpu] = prose::empty_costs(data);
    let has_memory = figures.cost.iter().any(|figure| figure.id == MEMORY_FIGURE);
    // Behind a round trip one line tells of all costs.
    let no_memory = (!has_memory && data.header.rtt_ns.is_none()).then(|| prose::memory_note(data, summary));
    let page = Page {
        scenario: scenario.name.clone(),
        question: scenario.question.clone(),
        run: run(data),
        lane_colours: lane_colours(&data.lanes),
        status: verdict.status,
        status_class: match verdict.status {
            Status::Valid => "valid",
            Status::Suspect => "suspect",
            Status::Invalid => "invalid",
        },
        checks: checks(summary, verdict),
        reasons: verdict.reasons.clone(),
        withdrawn: sentences(verdict, |claim| claim.against.is_none()),
        answer: answer(data, summary, verdict),
        lanes: lanes(data, summary, verdict),
        lanes_hint: prose::LANES_HINT,
        computed: data.lanes.iter().filter_map(|lane| computed(lane, summary)).collect(),
        computed_how: data.lanes.iter().filter_map(|lane| prose::computed_how(lane, summary)).collect(),
        limits: prose::limits(data, summary),
        check_rows: verdict.checks.iter().map(check_row).collect(),
        unclaimed: sentences(verdict, |claim| claim.against.is_some()),
        repeated: prose::repeated(data),
        environment: environment::environment(data),
        kernel_settings: environment::kernel_settings(data),
        differences: views(figures.differences),
        latency: views(figures.latency),
        empty_latency: prose::EMPTY_LATENCY,
        drift: prose::drift(data),
        bytes: views(figures.bytes),
        empty_bytes,
        cost: views(figures.cost),
        empty_cpu,
        costs: costs(data, summary),
        costs_hint: prose::COSTS_HINT,
        no_memory,
        reliability: views(figures.reliability),
        errors: prose::errors(data),
        sensitivity: views(figures.sensitivity),
        pitfalls_tally: pitfalls::tally(&pitfalls),
        pitfalls,
        record_file: FILE_NAME,
        command: data.header.command.clone(),
        provenance: prose::provenance(data),
    };
    Ok(page.render()?)
}

fn views(figures: Vec<Figure>) -> Vec<FigureView> {
    let view = |figure| {
        let Figure { id, title, answer, wide, narrow, note, table } = figure;
        FigureView { id, title, answer, wide, narrow, note, table }
    };
    figures.into_iter().map(view).collect()
}

fn sentences(verdict: &Verdict, which: impl Fn(&Withdrawn) -> bool) -> Vec<String> {
    verdict.withdrawn.iter().filter(|claim| which(claim)).map(Withdrawn::sentence).collect()
}

/// What was run, in the words of the page's first line.
pub(crate) fn run(data: &Dataset) -> Vec<String> {
    let (scenario, host) = (&data.header.scenario, &data.header.host);
    let network = if host.loopback { "loopback" } else { "network" };
    let mut run = vec![
        scenario.name.clone(),
        format!("{} subscribers in {} rooms", count(scenario.subscribers.into()), count(scenario.rooms.into())),
        format!("{network}, {} cores", host.cores),
        format!("{} headers", data.header.headers),
        format!("profile {}", data.header.profile),
    ];
    run.splice(2..2, prose::load(scenario));
    run.extend(prose::round_trip(data));
    run
}

pub(crate) fn checks(summary: &Summary, verdict: &Verdict) -> String {
    let noise = summary.noise_floor.response_time_p50;
    let noise = noise.map_or_else(
        || "noise floor not known".to_owned(),
        |factor| format!("noise floor of the p50 ±{}", excess_percent(factor)),
    );
    format!("{} of {} checks passed, {noise}", verdict.checks_passed, verdict.checks.len())
}

/// The colours of the record as CSS variables. Anything but a hex colour is left out: it would be CSS by a stranger.
pub(crate) fn lane_colours(lanes: &[Lane]) -> String {
    let is_colour = |text: &str| {
        text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let block = |colour: fn(&Lane) -> &str| -> String {
        let variable = |(index, lane)| {
            let colour = Some(colour(lane)).filter(|text| is_colour(text)).unwrap_or("var(--ink)");
            format!("--lane-{index}:{colour};")
        };
        lanes.iter().enumerate().map(variable).collect::<Vec<String>>().concat()
    };
    let (light, dark) = (block(|lane| &lane.info.colour_light), block(|lane| &lane.info.colour_dark));
    let class = |index| format!(".l{index}{{color:var(--lane-{index})}}");
    let classes: Vec<String> = (0..lanes.len()).map(class).collect();
    let classes = classes.concat();
    format!(":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{classes}")
}

fn lanes(data: &Dataset, summary: &Summary, verdict: &Verdict) -> TableView {
    let rows = data.lanes.iter().enumerate().map(|(index, lane)| {
        let cell = |value: crate::columns::Value| {
            let class = if value.faint {
                "faint"
            } else if value.best {
                "best"
            } else {
                ""
            };
            CellView { text: value.text, class }
        };
        let mut head = lane_head(data, index);
        if computed(lane, summary).is_some() {
            head.note = FOOTNOTE;
        }
        RowView { head, cells: row(data, summary, verdict, lane).into_iter().map(cell).collect() }
    });
    TableView {
        caption: "All lanes".to_owned(),
        head: std::iter::once("lane")
            .chain(columns(summary).into_iter().map(|column| column.head))
            .map(str::to_owned)
            .collect(),
        rows: rows.collect(),
    }
}

fn check_row(check: &Check) -> CheckRow {
    let (class, outcome) = match check.outcome {
        Outcome::Passed => ("", "passed"),
        Outcome::Broken(Status::Invalid) => ("broken", "INVALID"),
        Outcome::Broken(Status::Suspect | Status::Valid) => ("doubt", "SUSPECT"),
        Outcome::NotMeasured => ("faint", "not measured"),
    };
    CheckRow { class, outcome, name: check.name, detail: check.detail.clone() }
}

/// What server and generator spent, beside what the figures show.
fn costs(data: &Dataset, summary: &Summary) -> TableView {
    let row = |(index, lane): (usize, &Lane)| {
        let LaneSummary { server, generator, .. } = summary.lane(&lane.info.lane)?;
        let switches = server.context_switches_per_delivery.map(three_digits);
        let values = [
            server.cpu_ns_per_delivery.map(|cpu| time_interval(cpu, both(server.cpu_ns_per_delivery_ci))),
            server.cpu_user_share.map(percent),
            switches,
            generator.cpu_ns_per_delivery.map(time),
            generator.busiest_core.map(percent),
        ];
        Some(RowView { head: lane_head(data, index), cells: values.map(CellView::or_not_measured).into() })
    };
    let head = ["lane", "server CPU", "of it in user mode", "context switches", "generator CPU", "its core at most"];
    TableView {
        caption: "Server and generator, per delivery".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: data.lanes.iter().enumerate().filter_map(row).collect(),
    }
}
