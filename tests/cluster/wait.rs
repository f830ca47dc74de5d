//! This is where tests wait for what nothing tells them: they look again and again, for a while.

use std::thread;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Looks until there is something to see; after a while that is a failure, which is told with all that `told` says.
pub async fn until<T>(
    patience: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
    told: impl FnOnce() -> String,
) -> T {
    let deadline = Instant::now() + patience;
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {}", told());
    }
}

/// The same where nothing else goes on.
pub fn blocking_until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>, told: impl FnOnce() -> String) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {}", told());
        thread::sleep(LOOK_INTERVAL);
    }
}
