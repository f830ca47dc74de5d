//! This is where the API describes itself.

pub mod leaf;
