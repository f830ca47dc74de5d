//! This is where "may they, and why?" is asked, in the terms of the AuthZEN Authorization API 1.0: one question, several at once,
//! and for whom, to what and to do what the answer is yes.

mod app;
mod authzen;
mod check;
mod decide;
mod decided;
mod kind;
mod organization;
mod question;
mod search;
mod share;
mod walk;

pub use authzen::{AuthZen, Known};
pub use check::{CheckAccess, Checked, Evaluation};
pub use decided::Decided;
pub use search::{SearchActions, SearchResources, SearchSubjects};
pub use walk::Found;
