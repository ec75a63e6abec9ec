//! A server with the dummy transport beside the real ones. Nothing but the list of transports differs.

use std::io;

use feedbench_testkit::dummy::CATALOG;
use server::{Config, Server};

#[tokio::main]
async fn main() -> io::Result<()> {
    let config = Config::new(([127, 0, 0, 1], 0).into(), hub::Limits::default(), &CATALOG);
    let server = Server::bind(config).map_err(io::Error::other)?;
    let ready = serde_json::json!({"listening": format!("http://{}", server.addresses()[0])}).to_string();
    io::Write::write_all(&mut io::stdout(), format!("{ready}\n").as_bytes())?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    server.run(async move { terminate.recv().await.unwrap_or_default() }).await;
    Ok(())
}
