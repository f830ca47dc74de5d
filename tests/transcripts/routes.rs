//! The HTTP routes, and which of them requests in transcripts are for.

use std::collections::HashSet;
use std::sync::LazyLock;

use guestlist::http::routes::{Operation, Product};
use guestlist::server;
use guestlist::transcript::exchange::{Exchanged, Frame, Request, Response};

/// A route: the method of its requests, and its path with parameters in braces.
pub type Route = (&'static str, &'static str);

/// All there are but those to a WebSocket, which every other transcript shows: what the gateway says of its own. The methods are
/// asked for by one route.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let opens_socket = |operation: &Operation| operation.answers.iter().any(|answer| answer.status == 101);
    let routes = server::operations().into_iter().filter(|operation| !opens_socket(operation));
    let mut routes: Vec<Route> = routes
        .map(|operation| match operation.product {
            Product::Methods => ("POST", "/api/{method}"),
            _ => (&*operation.verb.to_ascii_uppercase().leak(), &*operation.path.leak()),
        })
        .collect();
    let mut seen = HashSet::new();
    routes.retain(|route| seen.insert(*route));
    routes
});

/// Routes that refuse nobody, or where no conversation brings it about, and why.
pub const NEVER_REFUSED: &[(Route, &str)] = &[
    (("GET", "/livez"), "answers everybody"),
    (("GET", "/readyz"), "needs a disk that fails; tests/write_failure.rs"),
    (("GET", "/api/_auth/session"), "answers everybody: who is not signed in gets an empty object"),
    (("GET", "/.well-known/authzen-configuration"), "answers everybody"),
    (("GET", "/docs"), "answers everybody"),
    (("GET", "/docs/style.css"), "answers everybody"),
    (("GET", "/docs/asyncapi.json"), "answers everybody"),
    (("GET", "/docs/openapi.json"), "answers everybody"),
];

/// The statuses of what is no route: no such path, another method, a WebSocket's path without one.
const ELSEWHERE: [u16; 3] = [404, 405, 426];

/// A request, and the answer to it.
#[derive(Clone, Copy)]
pub struct Call<'f> {
    pub line: usize,
    pub request: &'f Request,
    pub response: &'f Response,
}

/// The requests of a transcript that were answered.
pub fn calls(frames: &[Exchanged]) -> impl Iterator<Item = Call<'_>> {
    frames.iter().enumerate().filter_map(|(index, asked)| {
        let Frame::Request(request) = &asked.frame else { return None };
        let answered = frames[index + 1..].iter().find(|frame| frame.on == asked.on)?;
        let Frame::Response(response) = &answered.frame else { return None };
        Some(Call { line: asked.line, request, response })
    })
}

impl Call<'_> {
    /// Which route it is for: of those that take the path, the one with the fewest parameters.
    pub fn route(&self) -> Option<Route> {
        let path = self.request.path.split('?').next().unwrap_or_default();
        let parameters = |route: &Route| route.1.matches('{').count();
        let known = ROUTES.iter().filter(|route| is_path(route.1, path)).min_by_key(|route| parameters(route))?;
        ROUTES.iter().find(|route| route.1 == known.1 && route.0 == self.request.method).copied()
    }

    pub fn is_accepted(&self) -> bool {
        (200..400).contains(&self.response.status)
    }

    pub fn is_refused(&self) -> bool {
        self.response.status >= 400
    }

    /// Whether it was answered as what is no route.
    pub fn is_elsewhere(&self) -> bool {
        ELSEWHERE.contains(&self.response.status)
    }
}

fn is_path(route: &str, path: &str) -> bool {
    let (route, path): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), path.split('/').collect());
    route.len() == path.len() && route.iter().zip(&path).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
}
