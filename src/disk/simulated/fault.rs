//! This is where it is decided which call of a simulated disk fails, and how.

use std::io;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::model::Model;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// All names are asked for.
    Names,
    /// A file is opened to be read.
    Read,
    /// Bytes of it are read.
    ReadBytes,
    /// A file is made, or emptied.
    Create,
    /// A file is opened to be written on.
    Append,
    /// Bytes are written after those before.
    Write,
    /// Room is made for more.
    Reserve,
    /// A file is cut off.
    SetLen,
    /// A file's bytes are made durable.
    SyncFile,
    /// A file gets another name.
    Rename,
    /// A file is taken away.
    Remove,
    /// The names are made durable.
    SyncNames,
}

impl Call {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Names,
        Self::Read,
        Self::ReadBytes,
        Self::Create,
        Self::Append,
        Self::Write,
        Self::Reserve,
        Self::SetLen,
        Self::SyncFile,
        Self::Rename,
        Self::Remove,
        Self::SyncNames,
    ];
}

/// An error of the operating system, with the number Linux gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// `EIO`: the device failed.
    Io = 5,
    /// `EMFILE`: no more files may be open.
    TooManyFiles = 24,
    /// `EFBIG`: the file is as large as it may be.
    FileTooLarge = 27,
    /// `ENOSPC`: the disk is full.
    NoSpace = 28,
    /// `EROFS`: nothing can be written.
    ReadOnly = 30,
    /// `EDQUOT`: the quota is used up.
    Quota = 122,
}

impl Errno {
    /// The error as a call returns it.
    pub fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self as i32)
    }
}

/// Calls that are to fail.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The kind of call that is counted; any where none is named.
    pub call: Option<Call>,
    /// Which of the calls to come: 1 is the next.
    pub number: u64,
    /// How it fails.
    pub errno: Errno,
    /// Whether all after it fail too.
    pub lasting: bool,
}

/// How often calls are less than was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slip {
    /// Reads and writes that take fewer bytes, of a hundred.
    pub short_percent: u32,
    /// Reads and writes that are interrupted before they take any, of a hundred.
    pub interrupted_percent: u32,
}

/// What becomes of a call.
#[derive(Debug)]
pub(super) enum Outcome {
    Well,
    Fails(Errno),
    /// There is no power.
    Dark,
}

impl Outcome {
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Well)
    }

    pub fn result(self) -> io::Result<()> {
        match self {
            Self::Well => Ok(()),
            Self::Fails(errno) => Err(errno.error()),
            Self::Dark => Err(io::Error::other("the power is out")),
        }
    }
}

/// What is to go wrong, and what was called so far.
#[derive(Debug)]
pub(super) struct Plan {
    random: Xoshiro256PlusPlus,
    faults: Vec<Fault>,
    pub slip: Slip,
    pub space: Option<u64>,
    pub file_bytes_max: Option<u64>,
    pub power_until: Option<u64>,
    calls: [u64; Call::ALL.len()],
    trace: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            faults: Vec::new(),
            slip: Slip::default(),
            space: None,
            file_bytes_max: None,
            power_until: None,
            calls: [0; Call::ALL.len()],
            trace: 0,
        }
    }

    pub fn fail(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub fn heal(&mut self) {
        self.faults.clear();
    }

    pub fn calls(&self, call: Call) -> u64 {
        self.calls[call as usize]
    }

    pub fn calls_of_all(&self) -> u64 {
        self.calls.iter().sum()
    }

    pub fn is_dark(&self) -> bool {
        self.power_until.is_some_and(|call| self.calls_of_all() + 1 >= call)
    }

    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// Makes bytes part of the trace.
    pub fn note(&mut self, bytes: &[u8]) {
        let checksum = u64::from(crc32c::crc32c(bytes));
        self.trace = (self.trace.rotate_left(5) ^ checksum).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub fn call(&mut self, call: Call, name: &str) -> Outcome {
        if self.is_dark() {
            return Outcome::Dark;
        }
        self.calls[call as usize] += 1;
        let mut fails = None;
        self.faults.retain_mut(|fault| {
            if fault.call.is_some_and(|only| only != call) {
                return true;
            }
            fault.number = fault.number.saturating_sub(1);
            if fault.number > 0 {
                return true;
            }
            fails = Some(fault.errno);
            fault.lasting
        });
        self.note(&[call as u8, fails.map_or(0, |errno| errno as u8)]);
        self.note(name.as_bytes());
        fails.map_or(Outcome::Well, Outcome::Fails)
    }

    /// How many of so many bytes a read or write takes.
    pub fn shortened(&mut self, bytes: usize) -> io::Result<usize> {
        let Slip { short_percent, interrupted_percent } = self.slip;
        if interrupted_percent > 0 && self.random.random_range(0..100) < interrupted_percent {
            return Err(io::ErrorKind::Interrupted.into());
        }
        // A call that takes nothing would say that there is nothing.
        if short_percent > 0 && bytes > 1 && self.random.random_range(0..100) < short_percent {
            return Ok(self.random.random_range(1..bytes));
        }
        Ok(bytes)
    }

    pub fn any_part(&mut self, bytes: usize) -> usize {
        self.random.random_range(0..=bytes)
    }

    /// How many of so many bytes there is room for at a place in a file; what is there already needs none.
    pub fn room(&self, model: &Model, file: u64, at: usize, bytes: usize) -> io::Result<usize> {
        let there = model.bytes_of(file).saturating_sub(at).min(bytes);
        let mut more = bytes - there;
        for (limit, used, errno) in [
            (self.file_bytes_max, model.bytes_of(file), Errno::FileTooLarge),
            (self.space, if self.space.is_some() { model.bytes_of_all() } else { 0 }, Errno::NoSpace),
        ] {
            let Some(limit) = limit else { continue };
            let left = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(used);
            if left == 0 && there == 0 && bytes > 0 {
                return Err(errno.error());
            }
            more = more.min(left);
        }
        Ok(there + more)
    }
}
