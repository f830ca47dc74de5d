//! This is where the key is kept with which sessions are signed, so that a restart signs nobody out.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use cookie::Key;

/// The file's name, in the data directory.
const FILE: &str = "dashboard-key";

/// The key with which sessions are signed. Whoever has it can sign in as anybody.
#[derive(Clone)]
pub struct CookieKey(Key);

impl CookieKey {
    /// A key that ends with the process.
    pub fn passing() -> Self {
        Self(Key::generate())
    }

    /// The key of a data directory, made there where it has none. A copy of the directory has it too.
    pub fn kept_in(directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                let whole =
                    || io::Error::new(io::ErrorKind::InvalidData, "it is no key; remove it, and all sign in again");
                return Key::try_from(&*bytes).map(Self).map_err(|_| whole());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let key = Key::generate();
        // Under its name only once it is whole.
        let aside = directory.join(format!("{FILE}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(key.master()).and_then(|()| file.sync_all())?;
        fs::rename(&aside, &path)?;
        Ok(Self(key))
    }

    /// As a text, for other gateways to have the same.
    pub fn shown(&self) -> String {
        STANDARD.encode(self.0.master())
    }

    /// Reads such a text.
    pub fn read(text: &str) -> Option<Self> {
        Key::try_from(&*STANDARD.decode(text).ok()?).map(Self).ok()
    }

    pub(super) fn key(&self) -> &Key {
        &self.0
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_a_broken_one_is_said_to_be() {
        let directory = TempDir::new().expect("a temporary directory");
        let made = CookieKey::kept_in(directory.path()).expect("it can be made");
        assert_eq!(CookieKey::kept_in(directory.path()).expect("it is there").key(), made.key());
        let path = directory.path().join(FILE);
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "half").expect("it can be written");
        assert_eq!(CookieKey::kept_in(directory.path()).expect_err("it is broken").kind(), io::ErrorKind::InvalidData);
    }
}
