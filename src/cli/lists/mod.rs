//! `guestlist import` and `guestlist export`: the people on a list, to and from a file.

mod export;
mod import;
mod list;

pub use export::Export;
pub use import::Import;
