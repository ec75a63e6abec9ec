//! The heartbeat in the hello, wherever the bytes are cut.

use std::time::Duration;

use crate::client::heartbeat_in;

#[test]
fn the_heartbeat_of_a_hello_is_found_once_its_digits_have_an_end() {
    let hello = br#"HTTP/1.1 200 OK data: {"hello":{"position":"e.0","session":"s","heartbeat_ms":25000}}"#;
    for cut in 0..hello.len() {
        let found = heartbeat_in(&hello[..cut]);
        let wanted = (cut >= hello.len() - 1).then_some(Duration::from_secs(25));
        assert_eq!(found, wanted, "{:?}", String::from_utf8_lossy(&hello[..cut]));
    }
    assert_eq!(heartbeat_in(br#"{"heartbeat_ms":null}"#), None);
}
