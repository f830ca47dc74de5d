//! This is where a disk is only imagined, so that it can lose power and fail at any call: bytes and names are durable once they
//! were synced, and whatever a real one may make of the rest, a crash of this one can make of it.
//!
//! What it takes for granted of a real disk: what was synced stays as it is, and a sector is written whole or not at all. A sync
//! that failed promises nothing ever after of what it was to make durable, though later ones succeed: as Linux has it.

mod crash;
mod fault;
mod model;

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crash::Rule;
pub use fault::{Call, Errno, Fault, Slip};
pub use model::Model;

use super::{Disk, DiskFile};
use fault::{Outcome, Plan};

/// A disk in memory; clones are handles of the same one.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<Machine>>);

/// What is told of every call just before it is made: the disk as it stands, and the call.
type Witness = Box<dyn FnMut(&Model, Call) + Send>;

#[derive(Default)]
struct Machine {
    model: Model,
    plan: Plan,
    witness: Option<Witness>,
    is_copy: bool,
}

impl SimulatedDisk {
    /// An empty disk. The seed decides what is left to chance while it runs: how short a short call is, how much of a failed
    /// write is there.
    pub fn new(seed: u64) -> Self {
        Self::of(Model::default(), seed)
    }

    fn of(model: Model, seed: u64) -> Self {
        let machine = Machine { model, plan: Plan::new(seed), ..Machine::default() };
        Self(Arc::new(Mutex::new(machine)))
    }

    /// The disk as a restart finds it after a loss of power in this moment. This one goes on as if nothing had happened, so that
    /// one run can be crashed at many moments in many ways.
    pub fn crash(&self, rule: Rule, seed: u64) -> Self {
        self.lock().model.crash(rule, seed)
    }

    /// A disk of its own that is as this one is, with what is not durable, for another process to go on with.
    pub fn fork(&self) -> Self {
        Self::of(self.lock().model.clone(), 0)
    }

    /// A disk of its own with the same files, all of them durable: what a copy of a directory is.
    pub fn copy(&self) -> Self {
        self.crash(Rule::Everything, 0)
    }

    /// Says that all that is on it was copied from somewhere.
    pub fn note_copied(&self) {
        self.lock().is_copy = true;
    }

    /// Has calls fail as the fault says, from now on.
    pub fn fail(&self, fault: Fault) {
        self.lock().plan.fail(fault);
    }

    /// Takes all faults back that have not come yet.
    pub fn heal(&self) {
        self.lock().plan.heal();
    }

    /// Has calls now and then be short or interrupted, as the system allows them to be.
    pub fn slip(&self, slip: Slip) {
        self.lock().plan.slip = slip;
    }

    /// Lets the disk hold so many bytes, or as many as come; what is there already stays.
    pub fn set_space(&self, bytes: Option<u64>) {
        self.lock().plan.space = bytes;
    }

    /// Lets a file have so many bytes, or as many as come.
    pub fn set_file_bytes_max(&self, bytes: Option<u64>) {
        self.lock().plan.file_bytes_max = bytes;
    }

    /// Has the power go before the call of this number, counted from the disk's first; from then on every call fails, and nothing
    /// changes any more.
    pub fn cut_power_before(&self, call: u64) {
        self.lock().plan.power_until = Some(call);
    }

    /// Whether the power went.
    pub fn is_dark(&self) -> bool {
        self.lock().plan.is_dark()
    }

    /// How many calls of a kind were made.
    pub fn calls(&self, call: Call) -> u64 {
        self.lock().plan.calls(call)
    }

    /// How many calls were made.
    pub fn calls_of_all(&self) -> u64 {
        self.lock().plan.calls_of_all()
    }

    /// A hash of all calls so far with what they were given and what came of them: equal runs have equal ones.
    pub fn trace(&self) -> u64 {
        self.lock().plan.trace()
    }

    /// Shows every call to somebody, just before it is made; they must not make one themselves.
    pub fn show(&self, witness: impl FnMut(&Model, Call) + Send + 'static) {
        self.lock().witness = Some(Box::new(witness));
    }

    /// The bytes of all files, by name.
    pub fn contents(&self) -> Vec<(String, Vec<u8>)> {
        self.lock().model.contents()
    }

    /// Puts a file in place, durably: what somebody else did.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.lock().model.put(name, bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let machine = self.lock();
        f.debug_struct("SimulatedDisk").field("calls", &machine.plan.calls_of_all()).finish_non_exhaustive()
    }
}

impl Machine {
    /// Counts a call and finds out what is to become of it.
    fn call(&mut self, call: Call, name: &str) -> Outcome {
        if let Some(witness) = &mut self.witness
            && !self.plan.is_dark()
        {
            witness(&self.model, call);
        }
        self.plan.call(call, name)
    }
}

impl Disk for SimulatedDisk {
    fn path(&self) -> &Path {
        Path::new("simulated")
    }

    fn is_copy(&self) -> bool {
        self.lock().is_copy
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut machine = self.lock();
        machine.call(Call::Names, "").result()?;
        Ok(machine.model.names())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let mut machine = self.lock();
        machine.call(Call::Read, name).result()?;
        let bytes = machine.model.bytes(machine.model.find(name)?);
        Ok(Box::new(Reader { disk: self.clone(), bytes, at: 0 }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut machine = self.lock();
        machine.call(Call::Create, name).result()?;
        let file = machine.model.create(name);
        Ok(self.open(&mut machine, file))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut machine = self.lock();
        machine.call(Call::Append, name).result()?;
        let file = machine.model.find(name)?;
        Ok(self.open(&mut machine, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut machine = self.lock();
        machine.call(Call::Rename, to).result()?;
        machine.model.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut machine = self.lock();
        machine.call(Call::Remove, name).result()?;
        machine.model.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        let mut machine = self.lock();
        match machine.call(Call::SyncNames, "") {
            Outcome::Dark => Outcome::Dark.result(),
            outcome => {
                machine.model.sync_names(outcome.is_well());
                outcome.result()
            }
        }
    }
}

impl SimulatedDisk {
    fn open(&self, machine: &mut Machine, file: u64) -> Box<dyn DiskFile> {
        machine.model.open(file);
        Box::new(OpenFile { disk: self.clone(), file, written: machine.model.bytes_of(file) })
    }
}

/// A file that is read; as it was when it was opened.
struct Reader {
    disk: SimulatedDisk,
    bytes: Arc<Vec<u8>>,
    at: usize,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut machine = self.disk.lock();
        machine.call(Call::ReadBytes, "").result()?;
        let rest = &self.bytes[self.at..];
        let taken = machine.plan.shortened(rest.len().min(buffer.len()))?;
        buffer[..taken].copy_from_slice(&rest[..taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[derive(Debug)]
struct OpenFile {
    disk: SimulatedDisk,
    file: u64,
    /// Where the next byte goes.
    written: usize,
}

impl Write for OpenFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut machine = self.disk.lock();
        let machine = &mut *machine;
        match machine.call(Call::Write, "") {
            Outcome::Well => {
                let room = machine.plan.room(&machine.model, self.file, self.written, bytes.len())?;
                let taken = machine.plan.shortened(room)?;
                machine.plan.note(&bytes[..taken]);
                machine.model.write(self.file, self.written, &bytes[..taken]);
                self.written += taken;
                Ok(taken)
            }
            Outcome::Dark => Outcome::Dark.result().map(|()| 0),
            failed => {
                // Nobody says how much of it is there.
                let part = machine.plan.any_part(bytes.len());
                machine.model.write(self.file, self.written, &bytes[..part]);
                failed.result().map(|()| 0)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for OpenFile {
    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        let mut machine = self.disk.lock();
        let machine = &mut *machine;
        let end = self.written + usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let there = machine.model.bytes_of(self.file);
        let missing = end.saturating_sub(there);
        let (made, outcome) = match machine.call(Call::Reserve, "") {
            Outcome::Well => match machine.plan.room(&machine.model, self.file, there, missing) {
                Ok(room) if room < missing => (room, Err(Errno::NoSpace.error())),
                Ok(room) => (room, Ok(())),
                Err(error) => (0, Err(error)),
            },
            Outcome::Dark => return Outcome::Dark.result(),
            failed => (machine.plan.any_part(missing), failed.result()),
        };
        if made > 0 {
            machine.model.write(self.file, there, &vec![0; made]);
        }
        outcome
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        let mut machine = self.disk.lock();
        machine.call(Call::SetLen, "").result()?;
        let bytes = usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        machine.model.set_len(self.file, bytes);
        self.written = bytes;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut machine = self.disk.lock();
        match machine.call(Call::SyncFile, "") {
            Outcome::Dark => Outcome::Dark.result(),
            outcome => {
                machine.model.sync_file(self.file, outcome.is_well());
                outcome.result()
            }
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.disk.lock().model.close(self.file);
    }
}

#[cfg(test)]
mod tests;
