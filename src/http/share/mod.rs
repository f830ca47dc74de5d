//! This is where the share API's HTTP form is spoken: its cookies, its numbers, its bodies and its refusals.

pub mod bodies;
pub mod cookie;
pub mod credentials;
pub mod issues;
pub mod numbers;
pub mod problem;
