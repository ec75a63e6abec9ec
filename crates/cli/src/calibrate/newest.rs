//! The newest calibration of a host, for the records of later runs.

use std::{fs, path::Path};

use report::Calibration;

use super::RESULT;

/// The newest calibration of `host` in the folders of `out`, among those in which every check was made. What cannot be read is
/// passed over: a report then says that nothing is known.
pub(crate) fn newest(out: &Path, host: &str) -> Option<record::Calibration> {
    let folders = fs::read_dir(out).ok()?.flatten();
    let texts = folders.filter_map(|folder| fs::read_to_string(folder.path().join(RESULT)).ok());
    let calibrations = texts.filter_map(|text| serde_json::from_str::<Calibration>(&text).ok());
    let ours = calibrations.filter(|calibration| calibration.whole && calibration.host.id == host);
    ours.max_by_key(|calibration| calibration.at_us).map(|newest| newest.quoted())
}
