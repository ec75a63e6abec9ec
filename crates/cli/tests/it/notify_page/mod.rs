//! docs/NOTIFY.md holds: its curl commands run, and the application that it shows runs too, over a cut.

mod shop;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use conformance::client::PATIENCE;
use fault::{Proxy, Way};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::block_in_place,
    time::{sleep, timeout},
};

use crate::{
    feedbench,
    programs::{Batch, INSTALL, curl, serve},
    text,
};

/// The pause between two looks at the feed.
const TICK: Duration = Duration::from_millis(5);

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/NOTIFY.md")).unwrap()
}

/// The code of the blocks in this language.
fn blocks<'a>(page: &'a str, language: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = page.split("```").skip(1).step_by(2);
    parts.filter_map(move |block| block.split_once('\n').filter(|(named, _)| *named == language).map(|(_, code)| code))
}

/// What the room of the page holds, as this address sees it.
fn held(origin: &str) -> Vec<Value> {
    let body = curl(&[&format!("{origin}/v1/shop/orders/short-polling?after=earliest")]);
    Batch::read(&body).texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

/// Asks the application to ship order 7; gives its status.
async fn ship(application: std::net::SocketAddr) -> String {
    let mut tcp = TcpStream::connect(application).await.unwrap();
    let request = "POST /orders/7/ship HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    answer[9..12].to_owned()
}

#[test]
fn every_command_of_the_page_publishes_what_it_says() {
    let (_server, origin) = serve(&[]);
    let page = page();
    for code in blocks(&page, "sh") {
        let mut command = Command::new("sh");
        command.args(["-euc", code]).env("FEEDS", &origin).env("NO_PROXY", "*").stdin(Stdio::null());
        let output = command.output().unwrap_or_else(|error| panic!("{error}: sh {INSTALL}"));
        assert!(output.status.success(), "{code}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
    let seen = held(&origin);
    let told: Vec<_> =
        seen.iter().map(|item| (item["offset"].clone(), item["event"].clone(), item["from"].clone())).collect();
    let wanted = [(json!(1), json!("order paid"), json!(null)), (json!(3), json!("order changed"), json!("ana"))];
    assert_eq!(told, wanted, "the second is for a session alone");
}

#[test]
fn the_page_shows_the_handler_word_for_word_and_flags_that_there_are() {
    let page = page();
    let shown: Vec<_> = blocks(&page, "rust").collect();
    let application = include_str!("shop.rs");
    assert_eq!(shown, [&application[application.find("async fn ship").unwrap()..]]);
    let help = text(&feedbench(&["serve", "--help"]).stdout);
    for flag in page.split('`').filter(|quoted| quoted.starts_with("--")) {
        assert!(help.contains(flag), "there is no {flag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_application_tells_once_when_the_answer_to_its_publish_is_cut() {
    let (server, origin) = serve(&[]);
    let proxy = Proxy::start(server.origin.address).unwrap();
    let shop = shop::Shop { orders: std::sync::Arc::default(), feeds: proxy.address().to_string() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (application, routes) = (listener.local_addr().unwrap(), shop::routes(shop.clone()));
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let control = proxy.control();
    control.stall(Way::Down);
    let shipping = tokio::spawn(ship(application));
    let published = async {
        while block_in_place(|| held(&origin)).is_empty() {
            sleep(TICK).await;
        }
    };
    timeout(PATIENCE, published).await.expect("it publishes before it has an answer");
    control.half_close(Way::Down);
    control.heal();
    assert_eq!(timeout(PATIENCE, shipping).await.unwrap().unwrap(), "200");
    assert_eq!(ship(application).await, "200", "a job that is run twice");

    assert_eq!(shop.orders.lock().unwrap()[&7], "shipped");
    assert_eq!(proxy.control().accepted(), 3, "it asked three times");
    let held = held(&origin);
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!((&held[0]["event"], &held[0]["data"]), (&json!("order shipped"), &json!({"id": 7})));
}
