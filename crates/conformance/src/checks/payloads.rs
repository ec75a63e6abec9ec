//! What `data` may be, and what it may not.

use wire::{After, publication::MAX_DATA_BYTES, publication::MAX_DATA_DEPTH};

use crate::{
    client::ClientError,
    compare,
    outcome::Checked,
    publisher::Wanted,
    trial::{Trial, last},
};

/// Source texts that careless code changes: re-encoded numbers, escapes made or taken away, lines split, keys merged.
const TEXTS: [&str; 18] = [
    r#""""#,
    r#""x""#,
    "0",
    "null",
    "-0.0",
    "1E400",
    "9007199254740993",
    "12345678901234567890123.45678901234567890",
    "\"line\\nline\\r\\nline\\tend\"",
    r#""data: x\n\nevent: close\ndata: {}\n\n""#,
    "\"nul \\u0000 and escaped \\u00e9 \\/ \\ud83d\\ude00\"",
    r#""quotes \" and back\\slashes \\\" in a row""#,
    "\"\u{1F600} \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} \u{e9}\u{301} \u{FEFF}\u{10FFFF}\"",
    "\"line \u{2028} and paragraph \u{2029} separators, \u{85} and \u{7f}\"",
    r#"{"a":1,"a":2,"":3,"b":{"a":4}}"#,
    r#"{"gap":{"from":1,"to":2,"missed":2,"reason":"slow","position":"x.2"}}"#,
    r#"[[],{},[{}],"]}",{"]":"["}]"#,
    r#"{"offset":1,"event":"x","data":"not this one"}"#,
];

/// Above what is carried, and far below what a server may refuse to read.
const OVERSIZE_BYTES: usize = 65 * 1024;

/// The longest and the deepest that are carried, and the others.
fn texts() -> Vec<String> {
    let longest = format!("\"{}\"", "x".repeat(MAX_DATA_BYTES - 2));
    let deepest = format!("{}{}", "[".repeat(MAX_DATA_DEPTH), "]".repeat(MAX_DATA_DEPTH));
    TEXTS.into_iter().map(str::to_owned).chain([longest, deepest]).collect()
}

pub(crate) async fn payloads_survive(trial: Trial) -> Checked {
    let mut reader = trial.subscribe(After::Head);
    let start = reader.ready().await?.offset;
    let (mut publisher, mut writer) = (trial.publisher(), trial.subscribe(After::Head));
    writer.ready().await?;
    let mut sent = compare::Sent::new();
    for (reference, text) in (1..).zip(texts()) {
        sent.insert(publisher.publish(&text).await?.offset, text.clone());
        writer.publish(&text, reference).await?;
        let answer = writer.answer(reference).await?;
        let position = answer.map_err(|refusal| format!("refused on the uplink: {}", refusal.detail))?;
        sent.insert(position.offset, text);
    }
    reader.read_to(last(&sent)).await?;
    compare::exactly(reader.told(), start, &sent)?;
    Ok(format!("{} values, each over HTTP and over the lane's uplink", sent.len() / 2))
}

pub(crate) async fn oversize_is_refused(trial: Trial) -> Checked {
    let oversize = format!("\"{}\"", "x".repeat(OVERSIZE_BYTES));
    let answer = trial.publisher().attempt(&Wanted::new(&oversize)).await?;
    if answer.status != 413 {
        return Err(format!("POST of {OVERSIZE_BYTES} bytes is answered {}, not 413", answer.status).into());
    }
    let mut writer = trial.subscribe(After::Head);
    writer.ready().await?;
    writer.publish(&oversize, 1).await?;
    let on_the_lane = match writer.answer(1).await {
        Ok(Err(refusal)) if refusal.status == 413 => "an error 413",
        Ok(Err(refusal)) => {
            return Err(format!("the lane refuses it with {} {}, not 413", refusal.status, refusal.detail).into());
        }
        Ok(Ok(position)) => return Err(format!("the lane takes {OVERSIZE_BYTES} bytes, as {position}").into()),
        Err(_)
            if writer.publishes_on_its_stream() && writer.end().is_some_and(ClientError::is_an_end_of_the_server) =>
        {
            "the end of the stream that carried it"
        }
        Err(otherwise) => return Err(otherwise),
    };
    let mut reader = trial.subscribe(After::Head);
    let start = reader.ready().await?.offset;
    let sent = trial.publish(1).await?;
    reader.read_to(last(&sent)).await.map_err(|_silent| "the server does not go on after that".to_owned())?;
    compare::exactly(reader.told(), start, &sent)?;
    Ok(format!("POST: 413; the lane: {on_the_lane}"))
}
