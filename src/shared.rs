//! This is where it is said what every connection has at hand.

use std::sync::Arc;

use crate::config::Limits;
use crate::engine::EngineHandle;
use crate::hub::Hub;
use crate::state::State;

/// What every connection has at hand.
#[derive(Debug)]
pub struct Shared {
    /// What is known.
    pub state: Arc<State>,
    /// Where changes are made.
    pub engine: EngineHandle,
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// What is too much.
    pub limits: Limits,
    /// Whether refusals carry `"method":"error"`.
    pub error_method: bool,
}
