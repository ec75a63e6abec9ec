//! `/metrics`: what an operator watches, as Prometheus text. Read from the hub when asked; nothing is counted twice.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hub::Hub;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text::encode},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use tokio_util::task::TaskTracker;

/// The media type of the text that is written.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the numbers come from.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    hub: Hub,
    connections: TaskTracker,
}

impl Metrics {
    pub(crate) fn new(hub: Hub, connections: TaskTracker) -> Self {
        Self { hub, connections }
    }

    pub(crate) fn render(self) -> Response {
        let mut registry = Registry::with_prefix("feedbench");
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        match encode(&mut text, &registry) {
            Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
            Err(_cannot_format) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.hub.counts();
        let gauges = [
            ("connections", "TCP connections open, upgraded ones included", self.connections.len()),
            ("rooms", "rooms that exist", counts.rooms),
            ("subscribers", "subscriptions and waiting readers", counts.subscribers),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let counter = ConstCounter::new(counts.publications);
        let help = "publications taken since the server started";
        counter.encode(encoder.encode_descriptor("publications", help, None, counter.metric_type())?)
    }
}
