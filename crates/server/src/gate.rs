//! What every request passes before any route sees it: whether a stranger's page makes it, and who does.
//!
//! It stands around the router and not in it, because a layer of the router would box every answer's future, and one that
//! waits for something to say is kept with all it holds.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::header,
    response::{IntoResponse as _, Response},
    routing::future::RouteFuture,
};
use futures_util::future::{BoxFuture, Either, FutureExt as _, ready};
use hyper::body::Incoming;
use tower_service::Service as _;

use crate::{
    origin::{From, Origins, is_preflight},
    session::Issuer,
    watch::{Line, Registry},
};

/// The rules.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) issuer: Issuer,
    pub(crate) origins: Origins,
    /// None on a server that does not watch its connections.
    pub(crate) registry: Option<Arc<Registry>>,
}

/// The routes behind the gate, for the requests of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Gated {
    pub(crate) gate: Arc<Gate>,
    pub(crate) app: Router,
    pub(crate) peer: SocketAddr,
    /// The connection, where it is watched.
    pub(crate) line: Option<Arc<Line>>,
}

impl hyper::service::Service<hyper::Request<Incoming>> for Gated {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, BoxFuture<'static, Result<Response, Infallible>>>;

    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        let mut request: Request = request.map(Body::new);
        let from = self.gate.origins.from(request.headers(), request.method());
        if from == From::Link {
            // The page must not act as the user who follows its link.
            request.headers_mut().remove(header::COOKIE);
        }
        let caller = self.gate.issuer.caller(request.headers(), self.peer.ip());
        if let (Some(line), Some(registry)) = (&self.line, &self.gate.registry) {
            // A stranger's page comes with the user's cookie too.
            if caller.name().is_some() && from != From::Stranger {
                registry.claim(line, caller.id());
            }
            request.extensions_mut().insert(Arc::clone(line));
        }
        request.extensions_mut().insert(caller);
        match from {
            From::Here | From::Link => Either::Left(self.app.clone().call(request)),
            From::Friend(origin) if is_preflight(&request) => Either::Right(ready(Ok(origin.preflight())).boxed()),
            From::Friend(origin) => {
                let answered = self.app.clone().call(request);
                Either::Right(answered.map(|answer| answer.map(|answer| origin.let_read(answer))).boxed())
            }
            From::Stranger => Either::Right(ready(Ok(Origins::refused().into_response())).boxed()),
        }
    }
}
