//! The HTTP routes, and which of them requests in transcripts are for.

use guestlist::transcript::exchange::{Exchanged, Frame, Request, Response};

/// A route: the method of its requests, and its path with parameters in braces.
pub type Route = (&'static str, &'static str);

/// All there are.
pub const ROUTES: &[Route] = &[
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("POST", "/api/{method}"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/sign-up"),
    ("POST", "/api/auth/logout"),
    ("HEAD", "/api/auth/check"),
    ("GET", "/api/_auth/session"),
    ("GET", "/api/users/{user_id}/chats"),
    ("POST", "/api/users/{user_id}/chats"),
    ("DELETE", "/api/users/{user_id}/chats"),
    ("PATCH", "/api/users/{user_id}/chats/{chat_id}"),
    ("DELETE", "/api/users/{user_id}/chats/{chat_id}"),
    ("GET", "/api/users/{user_id}/chats/{chat_id}/shares"),
    ("POST", "/api/users/{user_id}/chats/{chat_id}/shares"),
    ("PATCH", "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}"),
    ("DELETE", "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}"),
    ("GET", "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries"),
    ("POST", "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries"),
    ("DELETE", "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries"),
    ("DELETE", "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries/{entry_id}"),
    ("GET", "/api/shared/chats/{uuid}"),
    ("GET", "/admin/whitelist"),
    ("POST", "/admin/whitelist"),
    ("DELETE", "/admin/whitelist"),
    ("POST", "/access/v1/evaluation"),
    ("POST", "/access/v1/evaluations"),
    ("POST", "/access/v1/search/subject"),
    ("POST", "/access/v1/search/resource"),
    ("POST", "/access/v1/search/action"),
    ("GET", "/.well-known/authzen-configuration"),
];

/// Routes that refuse nobody, or where no conversation brings it about, and why.
pub const NEVER_REFUSED: &[(Route, &str)] = &[
    (("GET", "/livez"), "answers everybody"),
    (("GET", "/readyz"), "needs a disk that fails; tests/write_failure.rs"),
    (("GET", "/api/_auth/session"), "answers everybody: who is not signed in gets an empty object"),
    (("GET", "/.well-known/authzen-configuration"), "answers everybody"),
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
        (200..300).contains(&self.response.status)
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
