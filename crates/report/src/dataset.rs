//! A record turned into what is asked of it: cells by lane and block, histograms decoded and merged.
//!
//! Nothing is left out by looking at it. A cell that was repeated counts with its last repetition; the earlier one is kept
//! in [`Lane::repeated`], because what was lost in it was lost.

use std::collections::BTreeMap;

use measure::{Recorder, RecorderTextError};
use record::{Cell, End, Header, Publication, Record};

use crate::{drift::Thirds, numbers::float, timeline::Timeline};

/// Why a record cannot be reported.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A histogram is not what `measure::Recorder` writes.
    #[error("{lane}, block {block}: {metric} cannot be read: {source}")]
    Histogram {
        /// The cell's lane.
        lane: String,
        /// The cell's block.
        block: u32,
        /// The metric's name in the record.
        metric: &'static str,
        /// What was wrong.
        source: RecorderTextError,
    },
    /// A cell names a lane that the header does not have.
    #[error("block {block} has a cell of {lane}, which is no lane of this record")]
    UnknownLane {
        /// The cell's lane.
        lane: String,
        /// The cell's block.
        block: u32,
    },
}

/// One run, ready to be summarised.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What was run, where and with what.
    pub header: Header,
    /// None when the run died.
    pub end: Option<End>,
    /// In the header's order; a lane without cells was not measured.
    pub lanes: Vec<Lane>,
    /// The second run of a lane that shows the noise; never a lane of its own.
    pub twin: Option<Lane>,
}

/// One lane over all blocks.
#[derive(Debug, Clone)]
pub struct Lane {
    /// The header's entry.
    pub info: record::Lane,
    /// A round trip was put before the server: its times were measured, and nothing of what it cost. The proxy that delays
    /// ends every connection, and shares the generator's CPU.
    pub times_only: bool,
    /// One per block, by block.
    pub cells: Vec<Cell>,
    /// Cells that were run again and stand in [`Lane::cells`] with their repetition.
    pub repeated: Vec<Cell>,
    /// From the due instant to the delivery.
    pub response_time: Timing,
    /// From the actual write to the delivery.
    pub service_time: Timing,
    /// From the due instant to the actual write.
    pub publish_delay: Timing,
    /// From opening a connection to the first delivery or position.
    pub time_to_first_delivery: Timing,
    /// From the first to the last subscriber of one publication.
    pub fanout_spread: Timing,
    /// From the instant a subscription was due until it stood; empty unless opening them is what was measured.
    pub connect_time: Timing,
    /// From the instant a subscription was due until it was begun; likewise.
    pub connect_delay: Timing,
    /// How long a stamped read waited to be decoded.
    pub receive_lag: Timing,
    /// From an answer to the request that follows it at once; empty for lanes that do not ask again at once.
    pub rearm_gap: Timing,
    /// The two ends of every window that is long enough to drift in, by block.
    pub thirds: Vec<Thirds>,
    /// What was late when, in the windows of all blocks.
    pub(crate) timeline: Timeline,
}

/// One latency metric of one lane.
#[derive(Debug, Clone)]
pub struct Timing {
    /// All blocks merged; percentiles are never averaged.
    pub merged: Recorder,
    /// By block, in the order of [`Lane::cells`].
    pub blocks: Vec<BlockTiming>,
}

/// The quantiles of one block, in nanoseconds; none where no number would be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockTiming {
    /// The block's number.
    pub block: u32,
    /// The median.
    pub p50: Option<u64>,
    /// The 99th percentile.
    pub p99: Option<u64>,
}

/// A value per block, by block, without the blocks that have none.
pub type PerBlock = Vec<(u32, f64)>;

impl Dataset {
    /// Groups a record's cells by lane and decodes their histograms.
    ///
    /// # Errors
    ///
    /// When a cell is of a lane that the header does not have, or holds a histogram of another format.
    pub fn new(record: &Record) -> Result<Self, DataError> {
        let header = record.header.clone();
        if let Some((cell, _)) = record.cells.iter().find(|(cell, _)| header.lanes.iter().all(|l| l.lane != cell.lane))
        {
            return Err(DataError::UnknownLane { lane: cell.lane.clone(), block: cell.block });
        }
        let lanes = header.lanes.iter().map(|info| Lane::new(info, record, false)).collect::<Result<_, _>>()?;
        let twin = header.lanes.iter().find(|info| header.twin_of.as_ref() == Some(&info.lane));
        let twin = twin.map(|info| Lane::new(info, record, true)).transpose()?.filter(Lane::is_measured);
        Ok(Self { header, end: record.end.clone(), lanes, twin })
    }

    /// The lane against which overhead is read, when it was measured.
    pub fn floor(&self) -> Option<&Lane> {
        self.lanes.iter().find(|lane| self.is_floor(lane) && lane.is_measured())
    }

    /// Whether overhead is read against this lane; it is no choice, so nothing ranks it.
    pub fn is_floor(&self, lane: &Lane) -> bool {
        self.header.floor.as_ref() == Some(&lane.info.lane)
    }

    /// The lanes that somebody could choose and that were measured.
    pub fn choices(&self) -> Vec<&Lane> {
        self.lanes.iter().filter(|lane| lane.is_measured() && !self.is_floor(lane)).collect()
    }

    /// Whether nothing was published, so that there are no deliveries and nothing that is read from them.
    pub fn is_silent(&self) -> bool {
        self.header.scenario.publisher == record::Publisher::Nobody
    }

    /// The lane of which [`Dataset::twin`] is the second run.
    pub fn twinned(&self) -> Option<&Lane> {
        self.lanes.iter().find(|lane| self.header.twin_of.as_ref() == Some(&lane.info.lane))
    }

    /// Every cell that was run, of twins and repeated ones too.
    pub fn all_cells(&self) -> impl Iterator<Item = &Cell> {
        self.lanes.iter().chain(&self.twin).flat_map(Lane::all_cells)
    }
}

impl Lane {
    fn new(info: &record::Lane, record: &Record, twin: bool) -> Result<Self, DataError> {
        let mut by_block = BTreeMap::new();
        let mut repeated = Vec::new();
        for (cell, publications) in record.cells.iter().filter(|(cell, _)| cell.twin == twin && cell.lane == info.lane)
        {
            let earlier = by_block.insert(cell.block, (cell.clone(), publications.as_slice()));
            repeated.extend(earlier.map(|(cell, _)| cell));
        }
        let with_publications: Vec<(Cell, &[Publication])> = by_block.into_values().collect();
        let thirds =
            with_publications.iter().filter_map(|(cell, publications)| Thirds::of(cell, publications)).collect();
        let timeline = Timeline::of(&with_publications, record.header.blocks);
        let cells: Vec<Cell> = with_publications.into_iter().map(|(cell, _)| cell).collect();
        Ok(Self {
            info: info.clone(),
            times_only: record.header.rtt_ns.is_some(),
            response_time: Timing::new(&cells, "response_time", |cell| &cell.response_time.0)?,
            service_time: Timing::new(&cells, "service_time", |cell| &cell.service_time.0)?,
            publish_delay: Timing::new(&cells, "publish_delay", |cell| &cell.publish_delay.0)?,
            time_to_first_delivery: Timing::new(&cells, "time_to_first_delivery", |cell| {
                &cell.time_to_first_delivery.0
            })?,
            fanout_spread: Timing::new(&cells, "fanout_spread", |cell| &cell.fanout_spread.0)?,
            connect_time: Timing::new(&cells, "connects.time", |cell| {
                cell.connects.as_ref().map_or("", |connects| &connects.time.0)
            })?,
            connect_delay: Timing::new(&cells, "connects.delay", |cell| {
                cell.connects.as_ref().map_or("", |connects| &connects.delay.0)
            })?,
            receive_lag: Timing::new(&cells, "receive_lag", |cell| &cell.receive_lag.0)?,
            rearm_gap: Timing::new(&cells, "rearm_gap", |cell| cell.rearm_gap.as_ref().map_or("", |gap| &gap.0))?,
            thirds,
            timeline,
            cells,
            repeated,
        })
    }

    /// Whether there is at least one cell.
    pub fn is_measured(&self) -> bool {
        !self.cells.is_empty()
    }

    /// The lane's name for people: its title, and its options where they differ from the defaults. A record that does not
    /// hold it gets it made from the options as they are written.
    pub fn label(&self) -> String {
        if let Some(label) = &self.info.label {
            return label.clone();
        }
        let options: Vec<String> = self
            .info
            .options
            .iter()
            .map(|(name, value)| if value.is_empty() { name.clone() } else { format!("{name}={value}") })
            .collect();
        if options.is_empty() {
            self.info.title.clone()
        } else {
            format!("{} ({})", self.info.title, options.join(", "))
        }
    }

    /// Publications due in the windows of all blocks: the independent samples behind every quantile.
    pub fn publishes(&self) -> u64 {
        self.sum(|cell| cell.publishes)
    }

    /// Every cell that was run, repeated ones too.
    pub fn all_cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().chain(&self.repeated)
    }

    /// A total over all blocks.
    pub fn sum(&self, value: impl Fn(&Cell) -> u64) -> u64 {
        self.cells.iter().map(value).sum()
    }

    /// A total over all blocks; none when one block does not have it.
    pub fn sum_all(&self, value: impl Fn(&Cell) -> Option<u64>) -> Option<u64> {
        if self.cells.is_empty() { None } else { self.cells.iter().map(value).sum() }
    }

    /// A value per block.
    pub fn per_block(&self, value: impl Fn(&Cell) -> Option<f64>) -> PerBlock {
        self.cells.iter().filter_map(|cell| Some((cell.block, value(cell)?))).collect()
    }

    /// What a cell cost, per block; empty where only times were measured.
    pub fn cost_per_block(&self, value: impl Fn(&Cell) -> Option<f64>) -> PerBlock {
        if self.times_only { PerBlock::new() } else { self.per_block(value) }
    }

    /// Stream bytes of both directions per delivery, by block.
    pub fn stream_per_delivery(&self) -> PerBlock {
        self.cost_per_block(|cell| {
            let window = &cell.window;
            let bytes = window.down.values().chain(window.up.values()).sum();
            per(bytes, window.deliveries)
        })
    }

    /// CPU of the server per delivery, by block. No process runs for nothing, so zero means that it was not measured.
    pub fn cpu_per_delivery(&self) -> PerBlock {
        self.cost_per_block(|cell| per(cell.server.cpu_ns, cell.window.deliveries).filter(|&ns| ns > 0.0))
    }
}

impl Timing {
    fn new(cells: &[Cell], metric: &'static str, histogram: impl Fn(&Cell) -> &str) -> Result<Self, DataError> {
        let mut merged = Recorder::new();
        let mut blocks = Vec::new();
        for cell in cells {
            let text = histogram(cell);
            // A metric that the lane does not have.
            if text.is_empty() {
                continue;
            }
            let recorder = Recorder::from_text(text).map_err(|source| DataError::Histogram {
                lane: cell.lane.clone(),
                block: cell.block,
                metric,
                source,
            })?;
            merged.merge(&recorder);
            let (p50, p99) = (recorder.quantile_ns(0.5), recorder.quantile_ns(0.99));
            blocks.push(BlockTiming { block: cell.block, p50, p99 });
        }
        Ok(Self { merged, blocks })
    }

    /// The median of every block that has one, in nanoseconds.
    pub fn p50_per_block(&self) -> PerBlock {
        self.blocks.iter().filter_map(|b| Some((b.block, float(b.p50?)))).collect()
    }

    /// The 99th percentile of every block that has one, in nanoseconds.
    pub fn p99_per_block(&self) -> PerBlock {
        self.blocks.iter().filter_map(|b| Some((b.block, float(b.p99?)))).collect()
    }
}

/// A share of a total; none when there is nothing to share it.
pub(crate) fn per(total: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| float(total) / float(count))
}

/// The values alone.
pub(crate) fn values(blocks: &[(u32, f64)]) -> Vec<f64> {
    blocks.iter().map(|&(_, value)| value).collect()
}

/// The values of the blocks that both have, in the order of the blocks.
pub(crate) fn paired(a: &[(u32, f64)], b: &[(u32, f64)]) -> (Vec<f64>, Vec<f64>) {
    let b: BTreeMap<u32, f64> = b.iter().copied().collect();
    a.iter().filter_map(|(block, value)| Some((*value, *b.get(block)?))).unzip()
}
