//! What tells the lanes of one transport apart, which share its colour and its mark: dashes of lines, stripes of areas, and
//! the small drawing of both beside a lane's name.

use crate::dataset::Lane;

/// Strokes and gaps of a line in pixels, of the first variant and those behind it; further ones begin again. The plain lane's
/// line has none.
const DASHES: [&[i32]; 4] = [&[6, 3], &[2, 3], &[9, 3, 2, 3], &[12, 6]];

/// The turn of an area's stripes in degrees, in the same order.
const TURNS: [i32; 4] = [45, 135, 0, 90];

/// Beside a name: its width, its height, and the middle of both.
const KEY: [i32; 4] = [32, 12, 16, 6];

/// Which of the patterns a lane has; none for a plain one.
pub(crate) fn pattern(lane: &Lane) -> Option<u8> {
    let behind = lane.info.variant.checked_sub(1)?;
    u8::try_from(behind as usize % DASHES.len()).ok()
}

/// The value of `stroke-dasharray` for a pattern, in units of which `scale` make a pixel.
pub(crate) fn dashes(pattern: u8, scale: i32) -> String {
    let dashes = DASHES[usize::from(pattern) % DASHES.len()];
    dashes.iter().map(|length| (length * scale).to_string()).collect::<Vec<_>>().join(" ")
}

/// All patterns of stripes with their turn.
pub(crate) fn stripes() -> impl Iterator<Item = (u8, i32)> {
    (0..).zip(TURNS)
}

/// SVG of a lane's line with its mark, in the text's colour: a legend's entry.
pub(crate) fn key(lane: &Lane, class: &str) -> String {
    let [width, height, x, y] = KEY;
    let dashes =
        pattern(lane).map_or_else(String::new, |pattern| format!(" stroke-dasharray=\"{}\"", dashes(pattern, 1)));
    let (left, top, right) = (x - 4, y - 4, x + 4);
    let mark = match lane.info.mark.as_str() {
        "circle" => format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\"/>"),
        "square" => format!("<rect x=\"{left}\" y=\"{top}\" width=\"8\" height=\"8\"/>"),
        "triangle" => format!("<path class=\"m\" d=\"M{x} 1l5 9h-10z\"/>"),
        "diamond" => format!("<path class=\"m\" d=\"M{x} 1l5 5-5 5-5-5z\"/>"),
        "cross" => format!("<path d=\"M{left} {top}l8 8M{right} {top}l-8 8\"/>"),
        _ => String::new(),
    };
    format!(
        "<svg class=\"key {class}\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\"><path d=\"M0 {y}h{width}\"{dashes}/>{mark}</svg>"
    )
}
