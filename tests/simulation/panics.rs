//! Panics of a world: those of its gateway's tasks, too, of which nobody else hears.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    /// What panicked on this thread, while somebody listens.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

static LISTENING: Once = Once::new();

/// Listens to the panics of this thread, until it is dropped.
pub struct Caught(());

/// Begins to listen.
pub fn caught() -> Caught {
    LISTENING.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let is_heard =
                HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| heard.push(panicked.to_string())).is_some());
            if !is_heard {
                before(panicked);
            }
        }));
    });
    HEARD.set(Some(Vec::new()));
    Caught(())
}

impl Caught {
    /// All that were heard.
    pub fn all(&self) -> Vec<String> {
        HEARD.with_borrow(|heard| heard.clone().unwrap_or_default())
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}
