//! This is where a simulated disk loses power: which of what was not durable is there when it comes back.

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::SimulatedDisk;
use super::model::{File, FileChange, Model, Standing, Step};

/// Bytes that a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What a crash leaves of what was not durable; a seed decides what the rule leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Everything up to some moment.
    Prefix,
    /// Of each file what was done up to some moment, of the write in that moment what comes before some byte.
    Cut,
    /// Of each sector that was written what was there before, what came, or zeros where nothing was before; of each file any
    /// length it had or was to have.
    Torn,
    /// Of each file the length it was to have, and zeros where nothing was before.
    Grown,
    /// Of all that was done each thing or not.
    Reordered,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 7] =
        [Self::Nothing, Self::Everything, Self::Prefix, Self::Cut, Self::Torn, Self::Grown, Self::Reordered];
}

/// One crash.
struct Crash {
    rule: Rule,
    random: Xoshiro256PlusPlus,
    /// The first step that did not happen, where there is such a moment.
    moment: u64,
}

impl Model {
    /// The disk as a restart finds it after a loss of power in this moment.
    pub fn crash(&self, rule: Rule, seed: u64) -> SimulatedDisk {
        let mut crash = Crash { rule, random: Xoshiro256PlusPlus::seed_from_u64(seed), moment: 0 };
        let waiting = self.files.values().flat_map(|file| file.steps.iter().map(|step| step.number));
        let mut waiting: Vec<u64> = waiting.chain(self.name_steps.iter().map(|step| step.number)).collect();
        waiting.sort_unstable();
        let kept = crash.random.random_range(0..=waiting.len());
        crash.moment = waiting.get(kept).copied().unwrap_or(u64::MAX);
        let names = crash.names(self);
        let (mut found, mut files) = (Self::default(), BTreeMap::new());
        for (name, file) in names {
            let file = *files.entry(file).or_insert_with(|| {
                let bytes = crash.bytes(&self.files[&file]);
                found.new_file(File::durable(bytes))
            });
            found.names.insert(name.clone(), file);
            found.durable_names.insert(name, file);
        }
        SimulatedDisk::of(found, seed)
    }
}

impl Crash {
    fn names(&mut self, model: &Model) -> BTreeMap<String, u64> {
        // Names and bytes are kept by different parts of a file system: a rule for bytes goes with any for names.
        let rule = match self.rule {
            Rule::Cut | Rule::Torn | Rule::Grown => [Rule::Nothing, Rule::Everything, Rule::Reordered][self.any(3)],
            rule => rule,
        };
        let mut names = model.durable_names.clone();
        for step in &model.name_steps {
            if self.happened(rule, step) {
                step.change.apply(&mut names);
            }
        }
        names
    }

    fn bytes(&mut self, file: &File) -> Vec<u8> {
        match self.rule {
            Rule::Cut => self.cut(file),
            Rule::Torn => self.torn(file),
            Rule::Grown => {
                let mut bytes = self.before(file);
                bytes.resize(file.shown.len(), 0);
                bytes
            }
            rule => self.with(file, |crash, step| crash.happened(rule, step)),
        }
    }

    fn cut(&mut self, file: &File) -> Vec<u8> {
        let whole = self.any(file.steps.len() + 1);
        let mut bytes = file.durable.clone();
        for (index, step) in file.steps.iter().enumerate() {
            match &step.change {
                change if index < whole || step.standing == Standing::Durable => change.apply(&mut bytes),
                FileChange::Write { at, bytes: written } if index == whole => {
                    let part = written[..self.any(written.len() + 1)].to_vec();
                    FileChange::Write { at: *at, bytes: part }.apply(&mut bytes);
                }
                _ => {}
            }
        }
        bytes
    }

    fn torn(&mut self, file: &File) -> Vec<u8> {
        let before = self.before(file);
        let after = self.with(file, |crash, step| crash.happened(Rule::Everything, step));
        let (shortest, longest) = (before.len().min(after.len()), before.len().max(after.len()));
        let mut bytes = before.clone();
        bytes.resize(longest, 0);
        for start in (0..longest).step_by(SECTOR_BYTES) {
            let end = (start + SECTOR_BYTES).min(longest);
            if self.any(2) == 0 {
                let end = end.min(after.len());
                if start < end {
                    bytes[start..end].copy_from_slice(&after[start..end]);
                }
            }
        }
        let length = match self.any(3) {
            0 => before.len(),
            1 => after.len(),
            _ => shortest + self.any(longest - shortest + 1),
        };
        bytes.truncate(length);
        bytes
    }

    /// What is certain of a file, and of what a failed sync left uncertain any part.
    fn before(&mut self, file: &File) -> Vec<u8> {
        self.with(file, |crash, step| match step.standing {
            Standing::Waiting => false,
            _ => crash.happened(Rule::Reordered, step),
        })
    }

    fn with(&mut self, file: &File, mut happened: impl FnMut(&mut Self, &Step<FileChange>) -> bool) -> Vec<u8> {
        let mut bytes = file.durable.clone();
        for step in &file.steps {
            if happened(self, step) {
                step.change.apply(&mut bytes);
            }
        }
        bytes
    }

    fn happened<T>(&mut self, rule: Rule, step: &Step<T>) -> bool {
        match (step.standing, rule) {
            (Standing::Durable, _) | (_, Rule::Everything) => true,
            (_, Rule::Nothing) => false,
            (Standing::Waiting, Rule::Prefix) => step.number < self.moment,
            _ => self.any(2) == 0,
        }
    }

    fn any(&mut self, below: usize) -> usize {
        self.random.random_range(0..below)
    }
}
