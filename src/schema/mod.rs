//! This is where the API describes itself, read off the code: the methods, their fields and answers, the routes, the codes.
//!
//! What a text looks like stands with the type that reads or writes it; here it is gathered into documents, [`asyncapi`] for the
//! WebSocket and [`openapi`] for HTTP, with examples out of the transcripts.

pub mod asyncapi;
pub mod components;
pub mod examples;
pub mod leaf;
pub mod methods;
pub mod openapi;
