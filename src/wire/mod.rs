//! This is where the spelling of the wire is known, and nowhere else: what comes in, what goes out, and the catalogues of
//! refusals and closes.
//!
//! The rules were measured on the published SDKs; one wrong type makes a Java bot drop its connection and a Node bot exit.

pub mod close;
pub mod envelope;
pub mod error;
pub mod fields;
pub mod frame;
pub mod opened;
