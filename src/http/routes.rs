//! This is where routes are made: each with its handler and with what the API's document says of it, so that none is left out.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use schemars::JsonSchema;

use crate::schema::components::Shape;
use crate::shared::Shared;

/// Routes, and what is said of them.
#[derive(Default)]
pub struct Routes {
    router: Router<Arc<Shared>>,
    operations: Vec<Operation>,
}

/// What a document says of a route.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The method of HTTP, in lower case.
    pub verb: &'static str,
    /// The path, with parameters in braces.
    pub path: String,
    /// A name that no other has.
    pub id: String,
    /// The product that it is of.
    pub product: Product,
    /// What it does, in one line.
    pub summary: String,
    /// What else is to be said.
    pub about: String,
    /// What the caller may show to be known by; nothing where anybody may ask.
    pub credentials: &'static [Credential],
    /// Whether it is answered without any of them too.
    pub is_open: bool,
    /// What it takes beside the path and the body.
    pub parameters: Vec<Parameter>,
    /// The body that it takes.
    pub body: Option<Body>,
    /// What it answers.
    pub answers: Vec<Answer>,
    /// Members of the document that are this operation's alone.
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

/// Whose API a route is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The methods.
    Methods,
    /// The share API.
    Shares,
    /// The organisation API.
    Organizations,
    /// The AuthZEN Authorization API.
    AuthZen,
    /// The gateway itself.
    Gateway,
}

/// What a caller may be known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer`, with any token.
    Bearer,
    /// The cookie of a user's session.
    Cookie,
    /// The header that is as good as the cookie.
    SessionHeader,
    /// `?api_key=`.
    KeyInQuery,
    /// `X-API-Key`.
    KeyInHeader,
    /// `Authorization: Basic`, with a share's password.
    Basic,
}

/// Something that a request may have in its query or headers.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `query` or `header`.
    pub place: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it looks like.
    pub shape: Shape,
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// What it looks like.
    pub shape: Shape,
    /// Whether it must be there.
    pub is_required: bool,
    /// Whether a form does as well as JSON.
    pub is_form_too: bool,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// When it is given.
    pub about: String,
    /// What it carries.
    pub content: Content,
}

/// What an answer carries.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Shape),
    /// The answer of a method, or the refusal of one, by the name of its schema.
    Named(&'static str),
    /// Something else, of a media type.
    Other(&'static str),
}

impl Content {
    /// JSON that a type is written as.
    pub fn of<T: JsonSchema>() -> Self {
        Self::Json(shape_of::<T>())
    }
}

/// What a type looks like, under its name.
pub fn shape_of<T: JsonSchema>() -> Shape {
    |generator| generator.subschema_for::<T>()
}

impl Operation {
    /// An operation of a product, which anybody may use and of which nothing else is said yet.
    pub fn new(product: Product, id: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            verb: "get",
            path: String::new(),
            id: id.into(),
            product,
            summary: summary.into(),
            about: String::new(),
            credentials: &[],
            is_open: true,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            extensions: serde_json::Map::new(),
        }
    }

    /// The same, with more to say.
    pub fn saying(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// The same, for callers with one of these.
    pub fn by(self, credentials: &'static [Credential]) -> Self {
        Self { credentials, is_open: false, ..self }
    }

    /// The same, for callers with none of these too.
    pub fn or_anybody(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// The same, with something in the query that may be left out.
    pub fn query<T: JsonSchema>(self, name: &'static str, about: &'static str) -> Self {
        self.parameter::<T>("query", name, about, false)
    }

    /// The same, with something in its query or headers.
    pub fn parameter<T: JsonSchema>(
        mut self,
        place: &'static str,
        name: &'static str,
        about: &'static str,
        is_required: bool,
    ) -> Self {
        self.parameters.push(Parameter { name, place, about, is_required, shape: shape_of::<T>() });
        self
    }

    /// The same, with the parameters of a list that is read by pages.
    pub fn by_pages(self) -> Self {
        self.query::<u64>("page_size", "How many to list at most.")
            .query::<u64>("page_number", "Which page, from 0 on.")
            .query::<String>(
                "cursor",
                "Instead of a page's number: empty first, then the `cursor` of the answer before.",
            )
    }

    /// The same, with a body of JSON.
    pub fn body(self, shape: Shape, is_required: bool) -> Self {
        Self { body: Some(Body { shape, is_required, is_form_too: false }), ..self }
    }

    /// The same, with a body that may be JSON or a form.
    pub fn form(self, shape: Shape, is_required: bool) -> Self {
        Self { body: Some(Body { shape, is_required, is_form_too: true }), ..self }
    }

    /// The same, answering so.
    pub fn answering(mut self, status: u16, about: impl Into<String>, content: Content) -> Self {
        self.answers.push(Answer { status, about: about.into(), content });
        self
    }

    /// The same, refusing so.
    pub fn refusing(self, refusals: &[(u16, &str)], content: Content) -> Self {
        refusals.iter().fold(self, |operation, (status, about)| operation.answering(*status, *about, content))
    }
}

impl Routes {
    /// Adds a route that is read.
    pub fn get<H: Handler<T, Arc<Shared>>, T: 'static>(self, path: &str, handler: H, said: Operation) -> Self {
        self.add("get", MethodFilter::GET, path, handler, said)
    }

    /// Adds a route of which the head alone is read.
    pub fn head<H: Handler<T, Arc<Shared>>, T: 'static>(self, path: &str, handler: H, said: Operation) -> Self {
        self.add("head", MethodFilter::HEAD, path, handler, said)
    }

    /// Adds a route to which something is posted.
    pub fn post<H: Handler<T, Arc<Shared>>, T: 'static>(self, path: &str, handler: H, said: Operation) -> Self {
        self.add("post", MethodFilter::POST, path, handler, said)
    }

    /// Adds a route by which something is changed.
    pub fn patch<H: Handler<T, Arc<Shared>>, T: 'static>(self, path: &str, handler: H, said: Operation) -> Self {
        self.add("patch", MethodFilter::PATCH, path, handler, said)
    }

    /// Adds a route by which something is removed.
    pub fn delete<H: Handler<T, Arc<Shared>>, T: 'static>(self, path: &str, handler: H, said: Operation) -> Self {
        self.add("delete", MethodFilter::DELETE, path, handler, said)
    }

    /// Adds a route for all methods of HTTP.
    pub fn any<H: Handler<T, Arc<Shared>>, T: 'static>(mut self, path: &str, handler: H, said: Operation) -> Self {
        self.router = self.router.route(path, axum::routing::any(handler));
        self.operations.push(Operation { path: path.to_owned(), ..said });
        self
    }

    fn add<H: Handler<T, Arc<Shared>>, T: 'static>(
        mut self,
        verb: &'static str,
        filter: MethodFilter,
        path: &str,
        handler: H,
        said: Operation,
    ) -> Self {
        self.router = self.router.route(path, on(filter, handler));
        self.operations.push(Operation { verb, path: path.to_owned(), ..said });
        self
    }

    /// Adds one route that stands for many, each posted to, and each with a path and words of its own.
    pub fn post_to_each<H: Handler<T, Arc<Shared>>, T: 'static>(
        mut self,
        path: &str,
        handler: H,
        said: impl Iterator<Item = (String, Operation)>,
    ) -> Self {
        self.router = self.router.route(path, on(MethodFilter::POST, handler));
        self.operations.extend(said.map(|(path, said)| Operation { verb: "post", path, ..said }));
        self
    }

    /// All of these and of others.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// The same with layers around them, and with what is no route: answers to paths and methods that there are not.
    pub fn with(mut self, change: impl FnOnce(Router<Arc<Shared>>) -> Router<Arc<Shared>>) -> Self {
        self.router = change(self.router);
        self
    }

    /// The routes, for serving.
    pub fn into_router(self) -> Router<Arc<Shared>> {
        self.router
    }

    /// What is said of them, in the order in which they were added.
    pub fn into_operations(self) -> Vec<Operation> {
        self.operations
    }
}
