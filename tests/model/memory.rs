//! A disk in memory that never fails, of which a copy can be taken at any moment: what a process leaves that ends without a word.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use guestlist::disk::{Disk, DiskFile};

type Bytes = Arc<Mutex<Vec<u8>>>;

#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<String, Bytes>>);

#[derive(Debug)]
struct File(Bytes);

impl Memory {
    /// What it holds at this moment.
    pub fn copy(&self) -> Self {
        let files = lock(&self.0);
        let copied = files.iter().map(|(name, bytes)| (name.clone(), Arc::new(Mutex::new(lock(bytes).clone()))));
        Self(Mutex::new(copied.collect()))
    }

    fn file(&self, name: &str) -> io::Result<Bytes> {
        lock(&self.0).get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk for Memory {
    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(lock(&self.0).keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let file = self.file(name)?;
        Ok(Box::new(Cursor::new(lock(&file).clone())))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let bytes = Bytes::default();
        lock(&self.0).insert(name.to_owned(), bytes.clone());
        Ok(Box::new(File(bytes)))
    }

    fn append(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File(self.file(name)?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = lock(&self.0);
        let bytes = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        lock(&self.0).remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for File {
    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        lock(&self.0).truncate(usize::try_from(bytes).expect("what is in memory has a length"));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
