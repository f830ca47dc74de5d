//! This is where it is kept what a simulated disk has: of every file and of the names what is durable, and what was done since.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// Files and names, as the system shows them and as the disk has them.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub(super) files: BTreeMap<u64, File>,
    pub(super) names: BTreeMap<String, u64>,
    pub(super) durable_names: BTreeMap<String, u64>,
    pub(super) name_steps: Vec<Step<NameChange>>,
    /// Steps so far, of all files and of the names.
    steps: u64,
    last_file: u64,
}

/// A file, whatever its names.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// Its bytes as the system shows them.
    pub shown: Arc<Vec<u8>>,
    /// The bytes that a crash cannot take.
    pub durable: Vec<u8>,
    /// What was done to those.
    pub steps: Vec<Step<FileChange>>,
    /// How often it is open.
    open: usize,
}

/// Something that was done and is not simply durable yet.
#[derive(Clone, Debug)]
pub(super) struct Step<T> {
    /// Its place among all steps.
    pub number: u64,
    pub standing: Standing,
    pub change: T,
}

/// Whether a step is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not before it is synced.
    Waiting,
    /// Nobody knows, and no sync will try again: the one that was to write it has failed.
    Lost,
    /// It is, while one before it may not be.
    Durable,
}

#[derive(Clone, Debug)]
pub(super) enum FileChange {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    /// A file has this name, and no other.
    Name(String, u64),
    /// A file has no name any more.
    Remove(String, u64),
}

impl File {
    /// A file that nothing was done to since it was synced.
    pub fn durable(bytes: Vec<u8>) -> Self {
        Self { shown: Arc::new(bytes.clone()), durable: bytes, ..Self::default() }
    }
}

impl FileChange {
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes: written } => {
                // What nobody wrote is zero.
                bytes.resize(bytes.len().max(at + written.len()), 0);
                bytes[*at..at + written.len()].copy_from_slice(written);
            }
            Self::Cut(length) => bytes.resize(*length, 0),
        }
    }
}

impl NameChange {
    pub fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Name(name, file) => {
                names.retain(|_, other| other != file);
                names.insert(name.clone(), *file);
            }
            Self::Remove(name, file) => {
                if names.get(name) == Some(file) {
                    names.remove(name);
                }
            }
        }
    }
}

impl Model {
    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn bytes(&self, file: u64) -> Arc<Vec<u8>> {
        self.files[&file].shown.clone()
    }

    pub(super) fn bytes_of(&self, file: u64) -> usize {
        self.files[&file].shown.len()
    }

    /// Bytes of all files that have a name or are open.
    pub(super) fn bytes_of_all(&self) -> usize {
        let named: BTreeSet<_> = self.names.values().collect();
        self.files.iter().filter(|(id, file)| file.open > 0 || named.contains(id)).map(|(_, f)| f.shown.len()).sum()
    }

    pub(super) fn contents(&self) -> Vec<(String, Vec<u8>)> {
        self.names.iter().map(|(name, file)| (name.clone(), self.files[file].shown.to_vec())).collect()
    }

    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) {
        let file = self.new_file(File::durable(bytes.to_vec()));
        self.names.insert(name.to_owned(), file);
        self.durable_names.insert(name.to_owned(), file);
    }

    pub(super) fn new_file(&mut self, file: File) -> u64 {
        self.last_file += 1;
        self.files.insert(self.last_file, file);
        self.last_file
    }

    pub(super) fn create(&mut self, name: &str) -> u64 {
        match self.names.get(name) {
            Some(&file) => {
                self.set_len(file, 0);
                file
            }
            None => {
                let file = self.new_file(File::default());
                self.change_names(NameChange::Name(name.to_owned(), file));
                file
            }
        }
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.find(from)?;
        self.change_names(NameChange::Name(to.to_owned(), file));
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let file = self.find(name)?;
        self.change_names(NameChange::Remove(name.to_owned(), file));
        Ok(())
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.steps += 1;
        self.name_steps.push(Step { number: self.steps, standing: Standing::Waiting, change });
    }

    pub(super) fn open(&mut self, file: u64) {
        self.file(file).open += 1;
    }

    pub(super) fn close(&mut self, file: u64) {
        self.file(file).open -= 1;
    }

    pub(super) fn write(&mut self, file: u64, at: usize, bytes: &[u8]) {
        self.change_file(file, FileChange::Write { at, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, file: u64, length: usize) {
        if length != self.bytes_of(file) {
            self.change_file(file, FileChange::Cut(length));
        }
    }

    fn change_file(&mut self, file: u64, change: FileChange) {
        self.steps += 1;
        let number = self.steps;
        let file = self.file(file);
        change.apply(Arc::make_mut(&mut file.shown));
        file.steps.push(Step { number, standing: Standing::Waiting, change });
    }

    fn file(&mut self, file: u64) -> &mut File {
        self.files.get_mut(&file).expect("a file is kept while it is open or has a name")
    }

    /// Makes a file's bytes durable, or fails to.
    pub(super) fn sync_file(&mut self, file: u64, well: bool) {
        let File { durable, steps, .. } = self.file(file);
        sync(steps, well, |change| change.apply(durable));
    }

    /// Makes the names durable, or fails to.
    pub(super) fn sync_names(&mut self, well: bool) {
        let Self { name_steps, durable_names, .. } = self;
        sync(name_steps, well, |change| change.apply(durable_names));
        if self.name_steps.is_empty() {
            let named: BTreeSet<_> = self.names.values().collect();
            self.files.retain(|id, file| file.open > 0 || named.contains(id));
        }
    }
}

fn sync<T>(steps: &mut Vec<Step<T>>, well: bool, mut apply: impl FnMut(&T)) {
    let becomes = if well { Standing::Durable } else { Standing::Lost };
    for step in steps.iter_mut().filter(|step| step.standing == Standing::Waiting) {
        step.standing = becomes;
    }
    // What is durable before anything that may not be needs no keeping apart.
    let simply = steps.iter().take_while(|step| step.standing == Standing::Durable).count();
    steps.drain(..simply).for_each(|step| apply(&step.change));
}
