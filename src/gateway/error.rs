//! This is where it is said why a gateway did not start, and what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::administrator::AdministratorError;
use crate::journal::Failure;
use crate::journal::directory::OpenError;
use crate::journal::read::ReadError;
use crate::seed::SeedError;
use crate::tls::CertificateError;

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What lies in it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal cannot be written.
    #[error("the data directory cannot be written: {0}")]
    Journal(#[source] Failure),
    /// The seed was refused.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// There is no administrator with the token that was given.
    #[error(transparent)]
    Administrator(#[from] AdministratorError),
    /// The recording cannot be begun.
    #[error("{0} cannot hold a recording: {1}; choose another directory with --record")]
    Record(PathBuf, #[source] io::Error),
    /// The address cannot be had.
    #[error("{0} cannot be listened on: {1}; choose another address with --listen")]
    Listen(SocketAddr, #[source] io::Error),
    /// The administrator's address cannot be had.
    #[error("{0} cannot be listened on: {1}; choose another address with --admin-listen")]
    AdminListen(SocketAddr, #[source] io::Error),
    /// The store has the demo's tokens, and the address is for others too.
    #[error(
        "the data directory or the seed holds the demo data, whose tokens everybody knows, so it is served on loopback only, not \
         on {0}; choose another directory with --data, and other tokens"
    )]
    DemoInPublic(SocketAddr),
    /// The certificate cannot be shown.
    #[error("{0}; see to the files named with --tls-cert and --tls-key")]
    Certificate(#[from] CertificateError),
    /// Nobody is trusted to certify.
    #[cfg(feature = "acme")]
    #[error(
        "the system has no root certificates, so no authority can be asked for a certificate; install ca-certificates, or name a \
         file of some in SSL_CERT_FILE"
    )]
    NoAuthority(#[source] crate::tls::TrustError),
    /// The copy of a journal in etcd cannot be gone on with.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Join(#[from] super::joining::JoinError),
    /// The shared journal was lost on the way.
    #[error("what is in the shared journal could not be folded within {} s; see the log, and to etcd and the network between", .0.as_secs())]
    NotCaughtUp(std::time::Duration),
    /// The system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] io::Error),
}
