//! The writer of requests.

/// Appends a request to `out`: the head with `headers` in their order, then `body`.
///
/// Writes what it is told: `Host` is up to the caller, and so is that no part has a line break in it. Only
/// `Content-Length` is added, when there is a body.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8], out: &mut Vec<u8>) {
    let mut text = |parts: &[&str]| parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    text(&[method, " ", target, " HTTP/1.1\r\n"]);
    for (name, value) in headers {
        text(&[name, ": ", value, "\r\n"]);
    }
    if !body.is_empty() {
        text(&["Content-Length: ", &body.len().to_string(), "\r\n"]);
    }
    text(&["\r\n"]);
    out.extend_from_slice(body);
}
