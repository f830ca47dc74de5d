//! `guestlist migrate`: moves a journal from a directory into etcd, or from there into a directory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use guestlist::journal::etcd::{Location, LocationError, Papers};
use guestlist::migration::{MigrationError, Moved, from_etcd, to_etcd};

/// A journal moved from a directory into etcd, or back.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Migrate {
    /// Where the journal is: a data directory, or etcd://host1:2379,host2:2379/prefix
    #[arg(long, value_name = "DIR|URL")]
    from: String,
    /// Where it is to be: the other of these, with nothing in it
    #[arg(long, value_name = "DIR|URL")]
    to: String,
    /// The certificate of the authority that etcd's certificates are of, else the system's are trusted; PEM, for etcds://
    #[arg(long, env = "GUESTLIST_ETCD_CA", value_name = "FILE")]
    etcd_ca: Option<PathBuf>,
    /// The certificate that shows etcd who asks; PEM
    #[arg(long, env = "GUESTLIST_ETCD_CERT", value_name = "FILE")]
    etcd_cert: Option<PathBuf>,
    /// The key to it; PEM
    #[arg(long, env = "GUESTLIST_ETCD_KEY", value_name = "FILE")]
    etcd_key: Option<PathBuf>,
    /// The user in etcd
    #[arg(long, env = "GUESTLIST_ETCD_USER", value_name = "NAME")]
    etcd_user: Option<String>,
    /// The file with that user's password
    #[arg(long, env = "GUESTLIST_ETCD_PASSWORD_FILE", value_name = "FILE")]
    etcd_password_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
The state is moved, and entries go on being numbered where they were; the journal from before stays where it is, as an audit log.
No gateway may run on the directory. Where it is moved is whole, or it is said what is not.

Exit code 0 where it was moved, 2 where it was not.

Examples:
  guestlist migrate --from ./guestlist-data --to etcd://127.0.0.1:2379/guestlist
  guestlist migrate --from etcd://127.0.0.1:2379/guestlist --to ./guestlist-data-back";

#[derive(Debug, thiserror::Error)]
enum MigrateError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Location(#[from] LocationError),
    #[error("{0}")]
    Migration(#[from] MigrationError),
    #[error("one of --from and --to is a directory, and the other begins with etcd:// or etcds://")]
    Sides,
}

impl Migrate {
    pub fn run(self) -> ExitCode {
        match self.migrate() {
            Ok(Moved { seq, records, bytes, digest, gateways }) => {
                println!("moved up to entry {seq}: {records} records, {bytes} bytes, digest {digest}");
                if gateways > 0 {
                    println!("{gateways} gateways live there; what they change from now on was not moved");
                }
                ExitCode::SUCCESS
            }
            Err(error) => super::failed(error),
        }
    }

    fn migrate(self) -> Result<Moved, MigrateError> {
        let papers = Papers {
            ca: self.etcd_ca,
            cert: self.etcd_cert,
            key: self.etcd_key,
            user: self.etcd_user,
            password: self.etcd_password_file,
        };
        let location = |url: &str| -> Result<Location, MigrateError> { Ok(url.parse::<Location>()?.with(&papers)?) };
        let is_etcd = |side: &str| side.starts_with("etcd://") || side.starts_with("etcds://");
        let runtime = super::runtime()?;
        match (is_etcd(&self.from), is_etcd(&self.to)) {
            (false, true) => {
                eprintln!("{} is read, and brought to {}", self.from, self.to);
                Ok(runtime.block_on(to_etcd(Path::new(&self.from), location(&self.to)?))?)
            }
            (true, false) => {
                eprintln!("{} is read, and brought to {}", self.from, self.to);
                Ok(runtime.block_on(from_etcd(location(&self.from)?, Path::new(&self.to)))?)
            }
            _ => Err(MigrateError::Sides),
        }
    }
}
