//! What happened in a world, in order, as one number: two runs are the same when these are.

use std::fmt::{Display, Write};
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

/// Notes of all that was observed.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<Notes>>);

#[derive(Debug)]
struct Notes {
    hash: DefaultHasher,
    count: u64,
    /// At which note somebody is to be woken, and who.
    alarm: Option<(u64, Arc<Notify>)>,
    /// The note being made; kept to be used again.
    note: String,
    /// All notes, where somebody is to read them.
    kept: Option<Vec<String>>,
}

impl Trace {
    /// No notes yet; kept to be read, or only hashed.
    pub fn new(is_kept: bool) -> Self {
        let kept = is_kept.then(Vec::new);
        Self(Arc::new(Mutex::new(Notes {
            hash: DefaultHasher::new(),
            count: 0,
            alarm: None,
            note: String::new(),
            kept,
        })))
    }

    /// Notes what was observed.
    pub fn note(&self, what: impl Display) {
        let mut notes = self.lock();
        let Notes { hash, count, alarm, note, kept } = &mut *notes;
        note.clear();
        write!(note, "{what}").expect("a text takes all that is written");
        hash.write(note.as_bytes());
        hash.write_u8(0xff);
        *count += 1;
        if let Some(kept) = kept {
            kept.push(note.clone());
        }
        if let Some((_, woken)) = alarm.take_if(|(at, _)| *count >= *at) {
            woken.notify_one();
        }
    }

    /// Resolves when so many more notes were made.
    pub fn after(&self, notes: u64) -> Arc<Notify> {
        let woken = Arc::new(Notify::new());
        let mut all = self.lock();
        all.alarm = Some((all.count + notes, woken.clone()));
        woken
    }

    /// How many notes were made.
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// All notes as one number.
    pub fn hash(&self) -> u64 {
        self.lock().hash.finish()
    }

    /// The notes, where they were kept.
    pub fn take_kept(&self) -> Vec<String> {
        self.lock().kept.take().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().expect("no note panics")
    }
}
