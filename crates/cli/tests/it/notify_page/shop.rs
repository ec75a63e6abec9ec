//! An application of somebody's own that tells its users what it has done. docs/NOTIFY.md shows it from its handler on, word for
//! word.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What its handlers share.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) orders: Arc<Mutex<BTreeMap<u64, &'static str>>>,
    /// Where feedbench listens, as `host:port`.
    pub(crate) feeds: String,
}

/// Its routes.
pub(crate) fn routes(shop: Shop) -> Router {
    Router::new().route("/orders/{id}/ship", post(ship)).with_state(shop)
}

async fn ship(State(shop): State<Shop>, Path(id): Path<u64>) -> StatusCode {
    shop.orders.lock().unwrap().insert(id, "shipped"); // the database work; what follows tells of it
    let key = format!("order-{id}-shipped");
    let body = json!({"event": "order shipped", "data": {"id": id}}).to_string();
    for _ in 0..3 {
        if let Ok(201) = notify(&shop.feeds, "shop/orders", &key, &body).await {
            return StatusCode::OK;
        }
    }
    StatusCode::ACCEPTED // done, but nobody was told: the caller may ask for it again
}

async fn notify(feeds: &str, room: &str, key: &str, body: &str) -> io::Result<u16> {
    let length = body.len();
    let head =
        format!("POST /v1/{room}/messages HTTP/1.1\r\nHost: {feeds}\r\nIdempotency-Key: {key}\r\nConnection: close");
    let mut tcp = TcpStream::connect(feeds).await?;
    tcp.write_all(format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes()).await?;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await?;
    Ok(answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0))
}
