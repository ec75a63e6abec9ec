//! "What does a shorter interval buy?": the delay of every lane against its bytes, lanes that differ in their interval joined,
//! the Pareto front among all. `places` finds room for names.
//!
//! Bytes are per delivery. Every lane carries the same feed, so that bytes a second would show the same picture; per delivery
//! the chance in how many publications fell into a window is divided out.

use super::{
    DrawError, Figure, Input,
    common::{Align, FinePx, Form, Ink, NARROW, Pen, Px, Scale, WIDE, linear_ticks, log_range, log_ticks, svg},
    places::{GAP, Name, places},
};
use crate::{
    choice::{Sweep, better, reference, sweeps},
    columns::{both, whole_interval},
    dataset::Lane,
    numbers::{bytes, bytes_interval, float, tick, time, time_interval, time_tick},
    ranking::Metric,
    text::{INVALID_FIGURE, TRADE, list, trades},
    verdict::Status,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "What does a shorter interval buy?";
/// A lane's mark has this radius.
const MARK: i32 = 5;
/// The middle of the key's circles.
const KEY: i32 = 26;
/// Beside its line.
const FRONT: &str = "Pareto front";

/// What is proven of a lane beside all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// No lane is proven better in one of delay and bytes without being proven worse in the other.
    Front,
    /// Neither of the others.
    Between,
    /// A lane is proven better in both.
    Dominated,
    /// The floor, and every lane of an INVALID run.
    Unjudged,
}

/// One lane.
struct Point<'a> {
    index: usize,
    lane: &'a Lane,
    name: String,
    ink: Ink,
    delay: f64,
    delay_interval: Option<(f64, f64)>,
    bytes: f64,
    bytes_interval: Option<(f64, f64)>,
    cpu: Option<f64>,
    standing: Standing,
}

/// The figure; none without a transport at several intervals.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let mut sweeps = sweeps(input.data);
    sweeps.retain(|sweep| sweep.is_plotted(input.summary));
    if sweeps.is_empty() {
        return Ok(None);
    }
    let points: Vec<Point<'_>> =
        input.data.lanes.iter().enumerate().filter_map(|(index, lane)| point(input, &sweeps, index, lane)).collect();
    let words: Vec<String> = points.iter().map(Point::words).collect();
    let description = format!(
        "Lanes as points of delay over bytes, the delay logarithmic, the area of a circle CPU. {}",
        words.join("; ")
    );
    let draw = |form: Form, height| {
        svg((form, height), (TRADE, TITLE, &description), |pen| Plot::new(form, height, &points).paint(pen, &sweeps))
    };
    Ok(Some(Figure {
        id: TRADE,
        title: TITLE,
        answer: answer(input),
        wide: draw(WIDE, 470)?,
        narrow: draw(NARROW, 520)?,
        note: note(&points),
        table: table(input, &points),
    }))
}

fn answer(input: Input<'_>) -> String {
    let Input { data, summary, verdict } = input;
    if verdict.status == Status::Invalid {
        return INVALID_FIGURE.to_owned();
    }
    let trades = trades(data, summary, reference(data, verdict));
    trades.into_iter().map(|sentence| sentence.text).collect::<Vec<_>>().join(" ")
}

fn note(points: &[Point<'_>]) -> String {
    let front: Vec<&Lane> = points.iter().filter(|p| p.standing == Standing::Front).map(|p| p.lane).collect();
    let front = match front.as_slice() {
        [] => String::new(),
        [only] => format!(" Here {} alone is on it.", only.label()),
        several => format!(" Here {} are on it.", list(several)),
    };
    format!(
        "Better is lower and further left; whiskers are intervals. Every lane carries the same feed, so that bytes per delivery rank \
         lanes as bytes a second do. At a lower rate an interval costs as many bytes a second, and more per delivery. On the \
         Pareto front are lanes beside which no other is proven better in delay or bytes without being proven worse in the \
         other.{front} Faint lanes are proven worse than another in both."
    )
}

fn point<'a>(input: Input<'a>, sweeps: &[Sweep<'_>], index: usize, lane: &'a Lane) -> Option<Point<'a>> {
    let numbers = input.summary.lane(&lane.info.lane)?;
    let floor = input.data.is_floor(lane);
    let interval = lane.info.interval_ns.filter(|_| sweeps.iter().any(|sweep| sweep.holds(lane)));
    let name = match interval {
        _ if floor => format!("{} (floor)", lane.label()),
        Some(ns) => format!("{} (every {})", lane.info.title, time_tick(float(ns))),
        None => lane.label(),
    };
    Some(Point {
        index,
        lane,
        name,
        ink: if floor { Ink::Muted } else { Ink::Lane(u8::try_from(index).unwrap_or(u8::MAX)) },
        delay: Metric::Delay.headline(numbers)?,
        delay_interval: whole_interval(numbers.response_time_ns.p50_ci),
        bytes: Metric::Bytes.headline(numbers)?,
        bytes_interval: both(numbers.bytes_per_delivery.stream_total_ci),
        cpu: Metric::Cpu.headline(numbers),
        standing: standing(input, lane),
    })
}

fn standing(input: Input<'_>, lane: &Lane) -> Standing {
    let data = input.data;
    if data.is_floor(lane) || input.verdict.status == Status::Invalid {
        return Standing::Unjudged;
    }
    let wins = |a: &Lane, b: &Lane| [Metric::Delay, Metric::Bytes].map(|metric| better(data, metric, a, b));
    let mut standing = Standing::Front;
    for other in data.choices() {
        match (wins(other, lane), wins(lane, other)) {
            ([true, true], _) => return Standing::Dominated,
            ([true, _] | [_, true], [false, false]) => standing = Standing::Between,
            _ => {}
        }
    }
    standing
}

impl Point<'_> {
    fn words(&self) -> String {
        let cpu = self.cpu.map_or_else(String::new, |ns| format!(", {} of server CPU", time(ns)));
        format!("{}: {}, {} per delivery{cpu}{}", self.name, time(self.delay), bytes(self.bytes), self.standing.words())
    }

    const fn text_ink(&self) -> Ink {
        match self.standing {
            Standing::Front | Standing::Between => Ink::Text,
            Standing::Dominated | Standing::Unjudged => Ink::Muted,
        }
    }
}

impl Standing {
    const fn words(self) -> &'static str {
        match self {
            Self::Front => ", on the Pareto front",
            Self::Dominated => ", proven worse than another lane in both",
            Self::Between | Self::Unjudged => "",
        }
    }
}

/// Scales and places of one form.
struct Plot<'a> {
    form: Form,
    points: &'a [Point<'a>],
    /// Left, top, right, bottom.
    span: (i32, i32, i32, i32),
    x: Scale,
    x_ticks: Vec<f64>,
    x_words: &'static str,
    y: Scale,
    y_ticks: Vec<f64>,
    most_cpu: f64,
}

impl<'a> Plot<'a> {
    fn new(form: Form, height: i32, points: &'a [Point<'a>]) -> Self {
        let (left, right) = (64, form.width - 14);
        let (top, bottom) = (80, height - 46);
        let ends = |value: f64, interval: Option<(f64, f64)>| {
            let (low, high) = interval.unwrap_or((value, value));
            [low, high]
        };
        let delays = log_range(points.iter().flat_map(|p| ends(p.delay, p.delay_interval)));
        // Room for names and circles.
        let delays = delays.start / 1.6..delays.end * 1.6;
        let all_bytes: Vec<f64> = points.iter().flat_map(|p| ends(p.bytes, p.bytes_interval)).collect();
        let (least, most) = all_bytes.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &v| (a.min(v), b.max(v)));
        let (x, x_ticks, x_words) = if most > 10.0 * least {
            let range = log_range(all_bytes.into_iter());
            (Scale::log(range.clone(), (left, right)), log_ticks(&range), "stream bytes per delivery, log scale")
        } else {
            let ticks = linear_ticks(most, if form.narrow { 3 } else { 6 });
            let scale = Scale::from_zero(ticks.last().copied().unwrap_or(1.0), (left, right));
            (scale, ticks, "stream bytes per delivery")
        };
        Self {
            form,
            points,
            span: (left, top, right, bottom),
            x,
            x_ticks,
            x_words,
            y: Scale::log(delays.clone(), (bottom, top)),
            y_ticks: log_ticks(&delays),
            most_cpu: points.iter().filter_map(|p| p.cpu).fold(0.0, f64::max),
        }
    }

    fn at(&self, point: &Point<'_>) -> Px {
        (self.x.px(point.bytes), self.y.px(point.delay))
    }

    fn fine_at(&self, point: &Point<'_>) -> FinePx {
        (self.x.fine(point.bytes), self.y.fine(point.delay))
    }

    /// The area grows with the CPU.
    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    fn radius(&self, cpu: f64) -> i32 {
        let most = if self.form.narrow { 18.0 } else { 24.0 };
        (most * (cpu / self.most_cpu).sqrt()).round() as i32
    }

    fn paint(&self, pen: &Pen<'_>, sweeps: &[Sweep<'_>]) -> Result<(), DrawError> {
        self.key(pen)?;
        self.axes(pen)?;
        for sweep in sweeps {
            let of = |lane: &Lane| self.points.iter().find(|p| p.lane.info.lane == lane.info.lane);
            let line: Vec<&Point<'_>> = sweep.lanes.iter().filter_map(|(_, lane)| of(lane)).collect();
            if let Some(first) = line.first() {
                pen.curve(line.iter().map(|p| self.fine_at(p)).collect(), first.ink, 2)?;
            }
        }
        let front = self.front();
        pen.line(&front, Ink::Muted, 1)?;
        // The floor below all others.
        let (floor, others): (Vec<_>, Vec<_>) = self.points.iter().partition(|point| point.ink == Ink::Muted);
        for point in floor.into_iter().chain(others) {
            self.point(pen, point)?;
        }
        self.names(pen, sweeps)
    }

    /// Two circles, so that areas can be compared.
    fn key(&self, pen: &Pen<'_>) -> Result<(), DrawError> {
        let ticks = linear_ticks(self.most_cpu, 4);
        let shown: Vec<f64> = ticks.into_iter().filter(|&cpu| cpu > 0.0 && cpu <= self.most_cpu).collect();
        let (Some(&least), Some(&most)) = (shown.first(), shown.last()) else {
            return Ok(());
        };
        let mut x = 6;
        for cpu in [least, most] {
            let radius = self.radius(cpu);
            pen.disc((x + radius, KEY), radius, Ink::Text)?;
            pen.text((x + 2 * radius + 6, KEY), &time_tick(cpu), Ink::Muted, Align::Start)?;
            x += 2 * radius + 62;
        }
        pen.text((x, KEY), "server CPU per delivery", Ink::Muted, Align::Start)
    }

    fn axes(&self, pen: &Pen<'_>) -> Result<(), DrawError> {
        let (left, top, right, bottom) = self.span;
        pen.text((6, top - 14), "delay p50, log scale", Ink::Muted, Align::Start)?;
        for &ns in &self.y_ticks {
            let at = self.y.px(ns);
            pen.line(&[(left, at), (right, at)], Ink::Rule, 1)?;
            pen.text((left - 8, at), &time_tick(ns), Ink::Muted, Align::End)?;
        }
        for &cost in &self.x_ticks {
            let at = self.x.px(cost);
            pen.line(&[(at, top), (at, bottom)], Ink::Rule, 1)?;
            let align = if at + 24 > self.form.width { Align::End } else { Align::Middle };
            pen.text((at.min(self.form.width - 2), bottom + 14), &tick(cost, "B"), Ink::Muted, align)?;
        }
        pen.text((right, bottom + 34), self.x_words, Ink::Muted, Align::End)
    }

    fn point(&self, pen: &Pen<'_>, point: &Point<'_>) -> Result<(), DrawError> {
        let (x, y) = self.at(point);
        let radius = point.cpu.map_or(0, |cpu| self.radius(cpu));
        if radius > 0 {
            pen.disc((x, y), radius, point.ink)?;
        }
        // What the mark hides is not drawn: its caps would look like a part of it.
        let seen = |(from, to): &(i32, i32)| to - from > 2 * MARK;
        let upright = point.delay_interval.map(|(low, high)| (self.y.px(high), self.y.px(low)));
        if let Some((top, bottom)) = upright.filter(seen) {
            pen.interval((x, top), (x, bottom), point.ink)?;
        }
        let level = point.bytes_interval.map(|(low, high)| (self.x.px(low), self.x.px(high)));
        if let Some((left, right)) = level.filter(seen) {
            pen.interval((left, y), (right, y), point.ink)?;
        }
        match point.standing {
            Standing::Dominated => pen.disc((x, y), MARK, point.ink)?,
            Standing::Unjudged if point.ink == Ink::Muted => pen.ring((x, y), 3, point.ink)?,
            Standing::Front | Standing::Between | Standing::Unjudged => {
                pen.mark((x, y), &point.lane.info.mark, point.ink)?;
            }
        }
        let reach = radius.max(8);
        pen.tip((x - reach, y - reach), (x + reach, y + reach), point.words());
        Ok(())
    }

    /// What lies above and to the right is worse than a lane on it: a stair from the upper end to the right one. Empty when no
    /// lane is on it.
    fn front(&self) -> Vec<Px> {
        let (_, top, right, _) = self.span;
        let on_it = self.points.iter().filter(|point| point.standing == Standing::Front);
        let mut lanes: Vec<Px> = on_it.map(|point| self.at(point)).collect();
        lanes.sort_unstable();
        let Some(&(first, _)) = lanes.first() else {
            return Vec::new();
        };
        let mut stair = vec![(first, top)];
        let mut reached = i32::MIN;
        for (x, y) in lanes {
            // Lower on the page is better; what is as good as a neighbour may stand a hair above it.
            stair.extend([(x, reached.max(top)), (x, reached.max(y))]);
            reached = reached.max(y);
        }
        stair.push((right, reached));
        stair
    }

    /// Where names must not stand beside the points: lines of transports, the front, whiskers.
    fn lines(&self, sweeps: &[Sweep<'_>]) -> Vec<Vec<Px>> {
        let of = |lane: &Lane| self.points.iter().find(|point| point.lane.info.lane == lane.info.lane);
        let joined = |sweep: &Sweep<'_>| sweep.lanes.iter().filter_map(|(_, lane)| Some(self.at(of(lane)?))).collect();
        let mut lines: Vec<Vec<Px>> = sweeps.iter().map(joined).collect();
        lines.push(self.front());
        for point in self.points {
            let (x, y) = self.at(point);
            lines.extend(point.bytes_interval.map(|(low, high)| vec![(self.x.px(low), y), (self.x.px(high), y)]));
            lines.extend(point.delay_interval.map(|(low, high)| vec![(x, self.y.px(low)), (x, self.y.px(high))]));
        }
        lines
    }

    fn names(&self, pen: &Pen<'_>, sweeps: &[Sweep<'_>]) -> Result<(), DrawError> {
        let name = |point: &Point<'_>| Name {
            at: self.at(point),
            clear: point.cpu.map_or(MARK, |cpu| self.radius(cpu)).max(MARK),
            width: self.form.name_width(&point.name),
            height: self.form.name_height(&point.name),
        };
        let mut names: Vec<Name> = self.points.iter().map(name).collect();
        // Its name stands at its longest step: beside an upright one, over the middle of a level one.
        let width = self.form.name_width(FRONT);
        let front = self.front();
        let length = |ends: &&[Px]| (ends[1].0 - ends[0].0).abs() + (ends[1].1 - ends[0].1).abs();
        let longest = front.windows(2).max_by_key(length).map(|ends| {
            let aside = if ends[0].0 == ends[1].0 { 0 } else { width / 2 + GAP };
            let at = (i32::midpoint(ends[0].0, ends[1].0) - aside, i32::midpoint(ends[0].1, ends[1].1));
            Name { at, clear: 0, width, height: self.form.name_height(FRONT) }
        });
        names.extend(longest);
        let mut places = places(&names, &self.lines(sweeps), self.span).into_iter();
        for ((point, name), place) in self.points.iter().zip(&names).zip(places.by_ref()) {
            let (x, y) = self.at(point);
            let align = if place.0 < x { Align::End } else { Align::Start };
            if (place.1 - y).abs() > name.clear {
                let side = if place.0 < x { 3 } else { -3 };
                pen.line(&[(x, y), (place.0 + side, place.1)], Ink::Muted, 1)?;
            }
            pen.name(place, &point.name, self.form, point.text_ink(), align)?;
        }
        // Its place is the last one.
        places.try_for_each(|place| pen.text(place, FRONT, Ink::Muted, Align::Start))
    }
}

fn table(input: Input<'_>, points: &[Point<'_>]) -> TableView {
    let row = |point: &Point<'_>| {
        let interval = point.lane.info.interval_ns.map_or_else(|| "none".to_owned(), |ns| time_tick(float(ns)));
        let cpu = input.summary.lane(&point.lane.info.lane).and_then(|numbers| {
            let server = &numbers.server;
            Some(time_interval(server.cpu_ns_per_delivery?, both(server.cpu_ns_per_delivery_ci)))
        });
        let standing = match point.standing {
            Standing::Front => "on it",
            Standing::Between => "beside it",
            Standing::Dominated => "proven worse in both",
            Standing::Unjudged => "",
        };
        let cells = vec![
            CellView::plain(interval),
            CellView::plain(time_interval(point.delay, point.delay_interval)),
            CellView::plain(bytes_interval(point.bytes, point.bytes_interval)),
            CellView::or_not_measured(cpu),
            CellView::plain(standing.to_owned()),
        ];
        RowView { head: lane_head(input.data, point.index), cells }
    };
    let head = ["lane", "interval", "delay p50", "bytes/delivery", "server CPU/delivery", "Pareto front"];
    TableView {
        caption: "Delay, bytes and CPU of every lane, and where it stands beside all others.".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: points.iter().map(row).collect(),
    }
}
