//! What a client knows of its own entries: those that must be there, and changes of which nobody said what became of them.

use std::collections::BTreeMap;

use super::lists::{Change, List};

/// Entries by list and slot, with the version that is shown.
pub type Standing = BTreeMap<(List, u32), u32>;

/// What one client knows.
#[derive(Debug, Default)]
pub struct Model {
    standing: Standing,
    /// Changes that were sent and perhaps made, in their order, those between two looks together. If one of them was made, those
    /// before it that were sent since the same look were; and those from before the look were not, for they were not seen then.
    perhaps: Vec<Vec<Change>>,
}

impl Model {
    /// What must be there, but for what was perhaps done.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether it is known what is there.
    pub fn is_certain(&self) -> bool {
        self.perhaps.iter().all(Vec::is_empty)
    }

    /// Whether a change is to be refused, for what it removes is not there.
    pub fn refuses(&self, change: &Change) -> bool {
        change.put.is_none()
            && change.list.refuses_absent()
            && !self.standing.contains_key(&(change.list, change.slots[0]))
    }

    /// Notes that a change was made. What was perhaps made before it was not, if it was not seen: changes are made in order.
    pub fn made(&mut self, change: &Change) {
        self.perhaps.clear();
        apply(&mut self.standing, change);
    }

    /// Notes that a change was perhaps made, or will have been after a restart.
    pub fn perhaps_made(&mut self, change: Change) {
        match self.perhaps.last_mut() {
            Some(since_look) => since_look.push(change),
            None => self.perhaps.push(vec![change]),
        }
    }

    /// Takes what is seen to be there; says what is wrong with it. After a restart nothing is uncertain any more.
    pub fn see(&mut self, seen: &Standing, after_restart: bool) -> Result<(), String> {
        let Some((group, made)) = self.explains(seen) else {
            return Err(format!(
                "entries are not as acknowledged\n  seen:     {seen:?}\n  expected: {:?}\n  and perhaps, in this order: {:?}",
                self.standing, self.perhaps
            ));
        };
        self.standing.clone_from(seen);
        if after_restart {
            self.perhaps.clear();
        } else if made > 0 {
            self.perhaps.drain(..group);
            self.perhaps[0].drain(..made);
        }
        self.perhaps.retain(|since_look| !since_look.is_empty());
        if !self.perhaps.is_empty() {
            self.perhaps.push(Vec::new());
        }
        Ok(())
    }

    /// Which changes were made, if those seen can be: how many first ones of which of the groups that are uncertain.
    fn explains(&self, seen: &Standing) -> Option<(usize, usize)> {
        if self.standing == *seen {
            return Some((0, 0));
        }
        self.perhaps.iter().enumerate().find_map(|(group, changes)| {
            let mut made = self.standing.clone();
            let found = changes.iter().position(|change| {
                apply(&mut made, change);
                made == *seen
            });
            Some((group, found? + 1))
        })
    }
}

fn apply(standing: &mut Standing, change: &Change) {
    for slot in &change.slots {
        match change.put {
            Some(version) => standing.insert((change.list, *slot), change.list.shown(version)),
            None => standing.remove(&(change.list, *slot)),
        };
    }
}
