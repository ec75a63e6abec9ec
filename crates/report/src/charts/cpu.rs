//! "What does one delivery cost the server?": CPU per delivery with its interval, beside the floor.

use measure::Ratio;

use super::{
    DrawError, Figure, Input,
    common::{Align, Form, Ink, NARROW, Pen, Scale, WIDE, linear_ticks, svg},
};
use crate::{
    columns::both,
    dataset::Lane,
    look,
    numbers::{factor, factor_interval, time, time_interval, time_tick},
    ranking::Metric,
    summary::ServerSummary,
    text::figure_answer,
    view::{CellView, RowView, TableView, lane_head},
};

const TITLE: &str = "What does one delivery cost the server?";

/// One lane's bar.
struct Bar<'a> {
    index: u8,
    lane: &'a Lane,
    cpu: f64,
    interval: Option<(f64, f64)>,
    ratio: Option<f64>,
}

/// The figure; none when no CPU was measured.
pub(super) fn figure(input: Input<'_>) -> Result<Option<Figure>, DrawError> {
    let floor = input.data.floor().and_then(|lane| {
        let cpu = input.summary.lane(&lane.info.lane)?.server.cpu_ns_per_delivery?;
        Some((cpu, lane.label()))
    });
    let bars: Vec<Bar<'_>> = (0_u8..)
        .zip(&input.data.lanes)
        .filter(|(_, lane)| !input.data.is_floor(lane))
        .filter_map(|(index, lane)| {
            let server = &input.summary.lane(&lane.info.lane)?.server;
            let interval = both(server.cpu_ns_per_delivery_ci);
            Some(Bar { index, lane, cpu: server.cpu_ns_per_delivery?, interval, ratio: server.cpu_ratio_to_raw })
        })
        .collect();
    if bars.is_empty() {
        return Ok(None);
    }
    let words = bars.iter().map(|bar| format!("{}: {}", bar.lane.label(), time(bar.cpu))).collect::<Vec<_>>();
    let beside =
        floor.as_ref().map_or_else(String::new, |(cpu, label)| format!("; the floor, {label}: {}", time(*cpu)));
    let description = format!("Bars of server CPU per delivery with intervals. {}{beside}", words.join("; "));
    let draw = |form: Form| {
        let height = 30 + form.cpu_pitch() * i32::try_from(bars.len()).unwrap_or(0) + 34;
        svg((form, height), ("cpu-bars", TITLE, &description), |pen| paint(pen, form, height, &bars, floor.as_ref()))
    };
    Ok(Some(Figure {
        id: "cpu-bars",
        title: TITLE,
        answer: figure_answer(input.parts(), Metric::Cpu, ("costs", "much"), time),
        wide: draw(WIDE)?,
        narrow: draw(NARROW)?,
        note: "CPU time of the whole server process in the window over deliveries in it; the median over blocks with its interval. It \
               holds the work of taking the publications too, which is the same for every lane and pulls ratios toward 1. On loopback \
               about half of the absolute value is the receiver's TCP work, which the kernel charges to the sender: read the ratio \
               to the floor."
            .to_owned(),
        table: table(input),
    }))
}

impl Form {
    const fn cpu_pitch(self) -> i32 {
        if self.narrow { 54 } else { 42 }
    }
}

fn paint(
    pen: &Pen<'_>,
    form: Form,
    height: i32,
    bars: &[Bar<'_>],
    floor: Option<&(f64, String)>,
) -> Result<(), DrawError> {
    let (left, right) = form.bar_span();
    let (top, bottom) = (30, height - 30);
    let most = bars.iter().map(|bar| bar.interval.map_or(bar.cpu, |(_, high)| high)).fold(0.0, f64::max);
    let ticks = linear_ticks(most.max(floor.map_or(0.0, |(cpu, _)| *cpu)), if form.narrow { 3 } else { 6 });
    let x = Scale::from_zero(ticks.last().copied().unwrap_or(1.0), (left, right));
    for tick in ticks {
        let at = x.px(tick);
        pen.line(&[(at, top), (at, bottom)], Ink::Rule, 1)?;
        pen.text(
            (at, bottom + 14),
            &time_tick(tick),
            Ink::Muted,
            if tick > 0.0 { Align::Middle } else { Align::Start },
        )?;
    }
    for (bar, place) in bars.iter().zip(1..) {
        let foot = top + place * form.cpu_pitch() - 6;
        if form.narrow {
            pen.text((left, foot - 34), &bar.lane.label(), Ink::Text, Align::Start)?;
        } else {
            pen.name((left - 14, foot - 12), &bar.lane.label(), form, Ink::Text, Align::End)?;
        }
        pen.bar((left, foot - 24), (x.px(bar.cpu), foot), Ink::Lane(bar.index))?;
        if let Some(pattern) = look::pattern(bar.lane) {
            pen.bar((left, foot - 24), (x.px(bar.cpu), foot), Ink::Hatch(pattern))?;
        }
        let mut end = x.px(bar.cpu);
        if let Some((low, high)) = bar.interval {
            pen.interval((x.px(low), foot - 12), (x.px(high), foot - 12), Ink::Text)?;
            end = end.max(x.px(high));
        }
        let ratio = bar.ratio.filter(|_| !form.narrow).map(|ratio| format!(" ({})", factor(ratio)));
        pen.text(
            (end + 10, foot - 12),
            &format!("{}{}", time(bar.cpu), ratio.unwrap_or_default()),
            Ink::Text,
            Align::Start,
        )?;
    }
    if let Some((cpu, label)) = floor {
        let at = x.px(*cpu);
        let words = format!("{label} (floor) {}", time(*cpu));
        if form.narrow {
            // Labels stand where the line would run.
            for place in (1..).take(bars.len()) {
                let foot = top + place * form.cpu_pitch() - 6;
                pen.line(&[(at, foot - 26), (at, foot + 2)], Ink::Muted, 1)?;
            }
            pen.text((left, 12), &format!("line: {words}"), Ink::Muted, Align::Start)?;
        } else {
            pen.line(&[(at, top - 6), (at, bottom)], Ink::Muted, 1)?;
            pen.text((at, 12), &words, Ink::Muted, Align::Middle)?;
        }
    }
    Ok(())
}

fn table(input: Input<'_>) -> TableView {
    let row = |index: usize, server: &ServerSummary, generator: Option<f64>| {
        let ratio = server.cpu_ratio_to_raw.zip(both(server.cpu_ratio_to_raw_ci));
        let ratio = ratio.map(|(point, (low, high))| factor_interval(&Ratio { point, low, high }));
        let cells = [
            server.cpu_ns_per_delivery.map(|ns| time_interval(ns, both(server.cpu_ns_per_delivery_ci))),
            ratio,
            generator.map(time),
        ];
        RowView {
            head: lane_head(input.data, index),
            cells: cells.into_iter().map(CellView::or_not_measured).collect(),
        }
    };
    let rows = input.data.lanes.iter().enumerate().filter_map(|(index, lane)| {
        let numbers = input.summary.lane(&lane.info.lane)?;
        Some(row(index, &numbers.server, numbers.generator.cpu_ns_per_delivery))
    });
    let head = ["lane", "server CPU/delivery", "x floor, by block", "generator CPU/delivery"];
    TableView {
        caption: "CPU of the server and of the generator per delivery.".to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    }
}
