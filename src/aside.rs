//! This is where work is done that takes long for a task.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what may take long, while other tasks go on elsewhere; where there is no elsewhere, they wait.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
