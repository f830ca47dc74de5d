//! This is where HTTP requests are answered: each becomes the same method that a WebSocket message would, and the reply gets the
//! form that its product publishes.

pub(crate) mod answer;
mod authzen;
pub(crate) mod body;
pub mod credentials;
pub mod docs;
pub(crate) mod document;
mod metrics;
pub mod operations;
mod organization;
pub mod origin;
pub mod routes;
mod rpc;
pub mod run;
mod share;

use std::net::IpAddr;

use axum::http::{Extensions, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::Response;

use crate::wire::error::Code;
use routes::Routes;

/// The address that a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// The one that every request carries.
    pub fn of(request: &Extensions) -> Self {
        *request.get().expect("every request carries its address")
    }
}

/// What is said where a path does not take the method of a request.
const OTHER_METHODS: &str = "This path takes other methods; the header `Allow` lists them.";

/// Every route but those of the gateway itself.
pub fn routes() -> Routes {
    Routes::default()
        .merge(rpc::routes())
        .merge(share::routes())
        .merge(organization::routes())
        .merge(authzen::routes())
        .with(|router| router.layer(middleware::from_fn(body::read_out)))
        .with(|router| router.layer(middleware::map_response(unshared)))
}

/// Keeps answers, all of which depend on who asks and when, out of caches.
async fn unshared(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// The status that a refusal has over HTTP.
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::Malformed => StatusCode::BAD_REQUEST,
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionMissing | Code::NotInApp => StatusCode::FORBIDDEN,
        Code::NotFound | Code::UnknownMethod | Code::UnknownApp => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::SlowDown => StatusCode::TOO_MANY_REQUESTS,
        Code::NotWritable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
