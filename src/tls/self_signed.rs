//! A certificate for development, which nobody trusts who was not told to.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use super::Source;

/// The certificate's file.
const CERT: &str = "self-signed.pem";

/// The key's, which nobody else may read.
const KEY: &str = "self-signed.key";

/// A certificate in a directory, for this machine and an address; made where there is none, and kept, so that whoever trusts it
/// once need not do so again.
pub fn self_signed(directory: &Path, address: IpAddr) -> io::Result<Source> {
    let source = Source { cert: directory.join(CERT), key: directory.join(KEY) };
    if !(source.cert.try_exists()? && source.key.try_exists()?) {
        fs::create_dir_all(directory)?;
        let (cert, key) = made(address).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&source.key)?;
        file.write_all(key.as_bytes())?;
        fs::write(&source.cert, cert)?;
    }
    Ok(source)
}

fn made(address: IpAddr) -> Result<(String, String), rcgen::Error> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let own = address.to_string();
    if !address.is_unspecified() && !names.contains(&own) {
        names.push(own);
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Guestlist, for development");
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}
