//! The web page, built into the binary.

use axum::{Router, http::header, response::IntoResponse, routing::get};

/// Path, media type and content of every file.
const FILES: [(&str, &str, &str); 4] = [
    ("/", "text/html; charset=utf-8", include_str!("../../../web/index.html")),
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../../../web/app.js")),
    ("/http-feed.js", "text/javascript; charset=utf-8", include_str!("../../../web/http-feed.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../../../web/style.css")),
];

/// The page's routes.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, &(path, media_type, content)| {
        router.route(path, get(async move || ([(header::CONTENT_TYPE, media_type)], content).into_response()))
    })
}
