//! This is where a file is written past the cache of the operating system, block by block.
//!
//! A flush then waits for the disk only: nothing was copied aside for it, to be looked for and handed on first. Where the file
//! system does not do it, files are written as ever.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::real::wide;

/// Bytes of a block: in the file, in memory and on disk it begins at a multiple of this, which is as much as any disk asks for.
const BLOCK_BYTES: usize = 4 << 10;

/// Bytes that are handed to the system at once, at most.
const CHUNK_BYTES: usize = 256 << 10;

/// How a file is written from front to back in whole blocks. What stands after the last byte in its block is zeros.
#[derive(Debug)]
pub struct Direct {
    /// From its first aligned byte on it begins with what the block holds in which the next byte comes.
    buffer: Box<[u8]>,
}

impl Direct {
    /// Goes on after so many bytes of a file; nothing where that cannot be.
    pub fn begin(file: &File, written: u64) -> Option<Self> {
        let mut direct = Self { buffer: vec![0; CHUNK_BYTES + BLOCK_BYTES].into() };
        let begun = begun(written);
        file.read_exact_at(&mut direct.chunk()[..begun], written - wide(begun)).ok()?;
        fcntl_setfl(file, fcntl_getfl(file).ok()? | OFlags::DIRECT).ok()?;
        Some(direct)
    }

    /// Has the file written as any other.
    pub fn end(file: &File) -> io::Result<()> {
        Ok(fcntl_setfl(file, fcntl_getfl(file)? - OFlags::DIRECT)?)
    }

    /// Writes what follows all before it. After an error any part of it may be there.
    pub fn write(&mut self, file: &File, mut at: u64, mut bytes: &[u8]) -> io::Result<()> {
        let chunk = self.chunk();
        while !bytes.is_empty() {
            let begun = begun(at);
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - begun));
            let end = begun + now.len();
            let blocks = &mut chunk[..end.next_multiple_of(BLOCK_BYTES)];
            blocks[begun..end].copy_from_slice(now);
            blocks[end..].fill(0);
            file.write_all_at(blocks, at - wide(begun))?;
            chunk.copy_within(end - end % BLOCK_BYTES..end, 0);
            (at, bytes) = (at + wide(now.len()), later);
        }
        Ok(())
    }

    fn chunk(&mut self) -> &mut [u8] {
        let skipped = self.buffer.as_ptr().align_offset(BLOCK_BYTES);
        &mut self.buffer[skipped..][..CHUNK_BYTES]
    }
}

/// Zeros that are written at a time to make room.
#[repr(align(4096))]
pub struct Zeros(pub [u8; 256 << 10]);

/// Those.
pub static ZEROS: Zeros = Zeros([0; 256 << 10]);

/// Where the block ends that a byte before a place is in.
pub fn block_end(at: u64) -> u64 {
    at.next_multiple_of(wide(BLOCK_BYTES))
}

/// Bytes of the block in which a place is that come before it.
fn begun(at: u64) -> usize {
    usize::try_from(at % wide(BLOCK_BYTES)).expect("a block fits into memory")
}
