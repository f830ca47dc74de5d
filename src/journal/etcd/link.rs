//! This is where etcd is called: one member at a time, and another where that one does not answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use etcd_client::{Client, Error, GetResponse, Txn, TxnOpResponse, TxnResponse};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::location::Location;
use crate::config::ETCD_CALL_WAIT;

/// The way to the members of an etcd.
#[derive(Debug)]
pub struct Link {
    location: Location,
    members: Vec<Member>,
    /// The member that is called.
    current: AtomicUsize,
}

struct Member {
    endpoint: String,
    client: OnceCell<Client>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.endpoint)
    }
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It may have been carried out all the same.
    #[error("etcd at {0} did not answer: {1}")]
    Unknown(String, String),
    /// It was refused, for want of room.
    #[error("etcd has no room: {0}; raise its quota, or compact and defragment it, then disarm the alarm")]
    NoRoom(String),
    /// It was refused, and will be again.
    #[error("etcd refuses: {0}")]
    Refused(String),
}

impl Link {
    /// A way that nobody went yet.
    pub fn new(location: Location) -> Self {
        let members = location.endpoints().map(|endpoint| Member { endpoint, client: OnceCell::new() }).collect();
        Self { location, members, current: AtomicUsize::new(0) }
    }

    /// Calls a member. Where it does not answer, the next call goes to another.
    pub async fn call<T>(&self, what: impl AsyncFnOnce(Client) -> Result<T, Error>) -> Result<T, CallError> {
        let index = self.current.load(Ordering::Relaxed);
        let member = &self.members[index];
        let call = async {
            let connect = || Client::connect([&member.endpoint], Some(self.location.options()));
            let client = member.client.get_or_try_init(connect).await?;
            what(client.clone()).await
        };
        let error = match timeout(ETCD_CALL_WAIT, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => self.told(member, &error),
            Err(_) => CallError::Unknown(member.endpoint.clone(), "it took too long".to_owned()),
        };
        if matches!(error, CallError::Unknown(..)) {
            self.leave(index);
        }
        Err(error)
    }

    /// Has the next call go to another member than this.
    fn leave(&self, index: usize) {
        let next = (index + 1) % self.members.len();
        // Somebody else may have left it already.
        let _ = self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The same for the member that is called now.
    pub fn leave_current(&self) {
        self.leave(self.current.load(Ordering::Relaxed));
    }

    fn told(&self, member: &Member, error: &Error) -> CallError {
        // The numbers of the gRPC standard.
        const REFUSED: [i32; 6] = [3, 7, 9, 11, 12, 16];
        const EXHAUSTED: i32 = 8;
        match error {
            Error::GRpcStatus(status) => {
                let (code, message) = (status.code() as i32, status.message());
                if code == EXHAUSTED && message.contains("space exceeded") {
                    CallError::NoRoom(message.to_owned())
                } else if REFUSED.contains(&code) && !message.contains("no leader") {
                    CallError::Refused(message.to_owned())
                } else {
                    CallError::Unknown(member.endpoint.clone(), chain(status))
                }
            }
            Error::InvalidArgs(what) => CallError::Refused(what.clone()),
            Error::InvalidUri(what) => CallError::Refused(what.to_string()),
            Error::TransportError(error) => CallError::Unknown(member.endpoint.clone(), chain(error)),
            other => CallError::Unknown(member.endpoint.clone(), other.to_string()),
        }
    }

    /// Makes one transaction.
    pub async fn txn(&self, txn: Txn) -> Result<TxnResponse, CallError> {
        self.call(async |mut client| client.txn(txn).await).await
    }
}

/// An error with what caused it: the outermost says next to nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_told = cause.to_string();
        if !told.contains(&cause_told) {
            told = format!("{told}: {cause_told}");
        }
        source = cause.source();
    }
    told
}

/// The answers to what a transaction got, in their order.
pub fn got(response: &TxnResponse) -> Vec<GetResponse> {
    let gets = response.op_responses().into_iter().filter_map(|answer| match answer {
        TxnOpResponse::Get(got) => Some(got),
        _ => None,
    });
    gets.collect()
}

/// A revision as etcd has it.
pub fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

/// A revision of etcd's, which is never negative.
pub fn unsigned(revision: i64) -> u64 {
    u64::try_from(revision).unwrap_or(0)
}
