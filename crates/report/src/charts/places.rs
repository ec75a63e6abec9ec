//! Where the names of points stand so that none lies on another or on a point.

use super::common::Px;

/// A name that needs a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    /// Its point.
    pub(super) at: Px,
    /// The radius around the point that stays free.
    pub(super) clear: i32,
    /// Of the words.
    pub(super) width: i32,
    /// Of the words, with what keeps them apart from the next.
    pub(super) height: i32,
}

/// Left, top, right, bottom.
type Area = (i32, i32, i32, i32);

/// Between what stays free around a point and its name.
pub(super) const GAP: i32 = 6;

/// From one height that is tried to the next.
const STEP: i32 = 4;

/// For every name the middle of its side that is next to its point, in the order given: beside the point where that is
/// free, else as near above or below as there is room within `span`. A name for which there is none stands beside its point.
/// `lines` are what names must not lie on beside the points, each a row of corners.
pub(super) fn places(names: &[Name], lines: &[Vec<Px>], span: Area) -> Vec<Px> {
    let corners = lines.iter().flat_map(|line| line.windows(2));
    let mut taken: Vec<Area> = corners.flat_map(|ends| along(ends[0], ends[1])).collect();
    taken.extend(names.iter().map(|name| around(name.at, name.clear * 3 / 4)));
    let mut places = Vec::new();
    for name in names {
        let free = |place: &Px| {
            let area = covered(name, *place);
            within(area, span) && taken.iter().all(|other| !overlap(area, *other))
        };
        let place = candidates(name, span.3 - span.1).find(free).unwrap_or((name.at.0 + name.clear + GAP, name.at.1));
        taken.push(covered(name, place));
        places.push(place);
    }
    places
}

/// Nearest first; to the left only when that is much nearer.
fn candidates(name: &Name, farthest: i32) -> impl Iterator<Item = Px> {
    let Name { at: (x, y), clear, .. } = *name;
    let heights = (0..farthest / STEP).flat_map(|step| [-step * STEP, step * STEP]);
    let sides = heights.flat_map(|dy| [(dy, false), (dy, true)]);
    let mut sides: Vec<(i32, bool)> = sides.collect();
    sides.sort_by_key(|&(dy, left)| dy.abs() + if left { 5 * STEP } else { 0 });
    sides.into_iter().map(move |(dy, left)| (if left { x - clear - GAP } else { x + clear + GAP }, y + dy))
}

const fn covered(name: &Name, (x, y): Px) -> Area {
    let half = name.height / 2;
    if x < name.at.0 { (x - name.width, y - half, x, y + half) } else { (x, y - half, x + name.width, y + half) }
}

/// Small areas that cover a straight line together.
fn along(from: Px, to: Px) -> Vec<Area> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let steps = (dx.abs().max(dy.abs()) / STEP).max(1);
    (0..=steps).map(|step| around((from.0 + dx * step / steps, from.1 + dy * step / steps), 2)).collect()
}

const fn around((x, y): Px, radius: i32) -> Area {
    (x - radius, y - radius, x + radius, y + radius)
}

const fn within(inner: Area, outer: Area) -> bool {
    inner.0 >= outer.0 && inner.1 >= outer.1 && inner.2 <= outer.2 && inner.3 <= outer.3
}

const fn overlap(a: Area, b: Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

#[cfg(test)]
mod tests {
    use super::{Area, Name, covered, overlap, places, within};

    const SPAN: Area = (0, 0, 400, 300);

    fn name(at: (i32, i32)) -> Name {
        Name { at, clear: 8, width: 90, height: 18 }
    }

    #[test]
    fn names_of_points_on_one_spot_lie_neither_on_one_another_nor_outside() {
        let names = [(40, 290); 10].map(name);
        let areas: Vec<Area> =
            names.iter().zip(places(&names, &[], SPAN)).map(|(name, place)| covered(name, place)).collect();
        for (index, area) in areas.iter().enumerate() {
            assert!(within(*area, SPAN), "{area:?}");
            assert!(areas[..index].iter().all(|other| !overlap(*area, *other)), "{areas:?}");
        }
    }

    #[test]
    fn a_name_stands_beside_its_point_unless_a_line_runs_there() {
        let names = [name((100, 100))];
        assert_eq!(places(&names, &[], SPAN), [(114, 100)]);
        let line = vec![(100, 100), (390, 100)];
        let (x, y) = places(&names, &[line], SPAN)[0];
        assert!(x == 114 && (y - 100).abs() >= 9, "{x}, {y}");
    }
}
