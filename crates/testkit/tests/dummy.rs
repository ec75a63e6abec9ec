//! A transport that is only in the list appears everywhere: routes, `/v1/transports`, the bench, the report.

use std::{path::PathBuf, sync::atomic::AtomicBool, time::Duration};

use feedbench_testkit::dummy::CATALOG;
use load::{Plan, Profile, Progress, Scenario, ServerCommand};
use transport::{Headers, Lane};

fn server() -> ServerCommand {
    ServerCommand { program: PathBuf::from(env!("CARGO_BIN_EXE_dummy-server")), arguments: Vec::new() }
}

#[test]
fn a_transport_that_is_only_in_the_list_is_measured_and_reported() {
    let overrides = ["subscribers=6", "rooms=3", "rate_hz=50.0", "window=\"200ms\""].map(ToOwned::to_owned);
    let plan = Plan {
        scenario: Scenario::load("feed", &overrides).unwrap(),
        profile: Profile { blocks: 1, ..Profile::QUICK },
        lanes: CATALOG[..1].iter().map(Lane::plain).collect(),
        seed: 1,
        headers: Headers::built_in("minimal").unwrap(),
        catalog: &CATALOG,
        rtt: None,
        stall: None,
        calibration: None,
        command: "a test".to_owned(),
        commit: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let failed = std::sync::Mutex::new(Vec::new());
    load::run(&plan, &server(), folder.path(), &AtomicBool::new(false), |progress| {
        if let Progress::Failed(why) = progress {
            failed.lock().unwrap().push(why.to_owned());
        }
    })
    .unwrap();
    assert!(failed.lock().unwrap().is_empty(), "{failed:?}");

    let record = record::Record::read(folder.path()).unwrap();
    for (cell, _) in &record.cells {
        assert!(cell.deliveries.expected > 0);
        assert_eq!(cell.deliveries.delivered, cell.deliveries.expected, "{:?}", cell.errors);
        assert_eq!((cell.kernel.connections, cell.kernel.matched), (6, 6), "every byte has its category");
    }
    let page = report::render(&report::Dataset::new(&record).unwrap()).unwrap();
    assert!(page.contains("Dummy lines") && page.contains("#0E7490"), "the report shows it in its colours");
}

#[tokio::test]
async fn a_transport_that_is_only_in_the_list_is_offered_to_browsers() {
    let limits = hub::Limits { drain_spread: Duration::from_millis(50), ..hub::Limits::default() };
    let config = server::Config::new(([127, 0, 0, 1], 0).into(), limits, &CATALOG);
    let server = server::Server::bind(config).unwrap();
    let address = server.addresses()[0];
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { drop(stopped.await) }));
    let get = async |path: &str| {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut tcp = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let listed = get("/v1/transports").await;
    assert!(listed.contains(r#""id":"dummy","title":"Dummy lines""#), "{listed}");
    assert!(listed.contains(r#""module":"/transports/dummy.js""#), "{listed}");
    assert!(get("/transports/dummy.js").await.contains("of no use"));
    stop.send(()).unwrap();
    assert_eq!(running.await.unwrap(), server::Drained { cut: 0 });
}
