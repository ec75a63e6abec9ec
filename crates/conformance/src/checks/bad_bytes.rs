//! Bytes that break a lane's own rules: JSON and UTF-8 on its uplink, and frames where it has some.

use std::sync::Arc;

use transport::DriverError;
use wire::After;

use crate::{
    client::ClientError,
    compare::Sent,
    outcome::Checked,
    publisher::Wanted,
    spoiler::{How, Spoil, Spoilt},
    subscriber::Fate,
    trial::Trial,
};

/// A value that stands in what is published as it stands here.
const DATA: &str = r#""to be spoilt""#;

/// The close codes of RFC 6455, 7.4.1: a rule is broken, the text is not UTF-8, too large; 1008 serves where no other does.
const PROTOCOL: u16 = 1002;
const NOT_TEXT: u16 = 1007;
const POLICY: u16 = 1008;
const TOO_LARGE: u16 = 1009;

/// What is done to a frame, and what a close frame may say to it; nothing where the frame is allowed.
const FRAMES: [(How, &[u16]); 4] = [
    (How::Fragmented, &[]),
    (How::Unmasked, &[PROTOCOL, POLICY]),
    (How::ReservedBit, &[PROTOCOL, POLICY]),
    (How::Enormous, &[TOO_LARGE, PROTOCOL, POLICY]),
];

/// Publishes what is spoilt on its way out. What is taken, because it is allowed or there was nothing to spoil, goes into
/// `taken`; gives what was tried.
pub(super) async fn sent(trial: &Trial, taken: &mut Sent) -> Checked<String> {
    let bytes = |put: &[u8]| Spoil::Bytes { find: DATA.into(), put: put.to_vec() };
    let mut tried = Vec::new();
    for (name, spoil) in [("broken JSON", bytes(b"{to be spoilt}")), ("broken UTF-8", bytes(b"\"to be sp\xff\xfelt\""))]
    {
        let (fate, spoilt) = published(trial, spoil).await?;
        if !spoilt.is_any() {
            return Err(format!("{name}: a publish goes to the server in no form that is known").into());
        }
        // A Socket.IO packet that cannot be read ends its session without a word, as its protocol has it.
        let codes = if name == "broken UTF-8" { &[NOT_TEXT, PROTOCOL, POLICY][..] } else { &[] };
        refused(trial, &fate, &spoilt, codes).map_err(|why| format!("{name}: {why}"))?;
        tried.push(name.to_owned());
    }
    for (how, codes) in FRAMES {
        let (fate, spoilt) = published(trial, Spoil::Frame { find: DATA.into(), how }).await?;
        match fate {
            Fate::Taken(position) if how == How::Fragmented || !spoilt.is_any() => {
                taken.insert(position.offset, DATA.to_owned());
            }
            fate => refused(trial, &fate, &spoilt, codes).map_err(|why| format!("a frame, {how:?}: {why}"))?,
        }
        if spoilt.is_any() {
            tried.push(format!("a frame, {how:?}"));
        }
    }
    Ok(tried.join(", "))
}

async fn published(trial: &Trial, spoil: Spoil) -> Checked<(Fate, Arc<Spoilt>)> {
    let (mut writer, spoilt) = trial.subscribe_spoilt(After::Head, spoil);
    writer.ready().await?;
    Ok((writer.attempt(&Wanted::new(DATA)).await?, spoilt))
}

/// A refusal, or where the uplink is the feed's own stream or session the end of that; one with a close frame says why, by
/// one of `codes` if there are any.
fn refused(trial: &Trial, fate: &Fate, spoilt: &Spoilt, codes: &[u16]) -> Result<(), String> {
    match fate {
        Fate::Refused(refusal) if (400..500).contains(&refusal.status) && !refusal.detail.is_empty() => Ok(()),
        Fate::Ended(ClientError::Failed(DriverError::Status { status: 400..=499, .. })) => Ok(()),
        Fate::Ended(end)
            if end.is_an_end_of_the_server() && (spoilt.is_streamed() || trial.engine_path().is_some()) =>
        {
            match spoilt.close_code() {
                Some(code) if !codes.is_empty() && !codes.contains(&code) => {
                    Err(format!("the close frame says {code}, not one of {codes:?}"))
                }
                None if spoilt.has_frames() && !codes.is_empty() => Err("an end without a close frame".to_owned()),
                _ => Ok(()),
            }
        }
        fate => Err(format!("{fate:?}")),
    }
}
