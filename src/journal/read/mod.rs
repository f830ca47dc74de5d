//! This is where segments are read back, and where a torn end is told from damage.

pub mod ahead;
mod error;
mod lines;
mod one_bit;
mod segment;

pub use error::ReadError;
pub use lines::{Line, Lines};
pub use segment::{Entries, Place, Survey, Verdict, header, survey};
