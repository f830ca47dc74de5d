//! This is where the ends of connections are catalogued: only 1000 and 1001 bring an official bot back, so a close is
//! 1001 wherever coming back helps, and something else wherever it does not.

use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::counts::Count;

macro_rules! closes {
    ($($(#[doc = $doc:literal])+ $name:ident = ($code:literal, $reason:literal),)*) => {
        /// Why the gateway ended a connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Close {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Close {
            /// Every close.
            pub const ALL: &[Close] = &[$(Close::$name),*];

            /// The code on the wire.
            pub fn code(self) -> u16 {
                match self {
                    $(Close::$name => $code,)*
                }
            }

            /// The reason on the wire.
            pub fn reason(self) -> &'static str {
                match self {
                    $(Close::$name => $reason,)*
                }
            }

            /// When it happens, as the README has it.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Close::$name => concat!($($doc),+).trim_ascii(),)*
                }
            }
        }
    };
}

closes! {
    /// The gateway stops; connect again.
    Stopping = (1001, "the gateway is stopping, connect again"),
    /// Nothing was heard for too long, not even an answer to a ping; connect again.
    Idle = (1001, "nothing was heard for too long, connect again"),
    /// The client did not read what was sent to it; connect again.
    SlowReader = (1001, "replies were not read, connect again"),
    /// An administrator ended the connection; connect again.
    Dismissed = (1001, "an administrator ended the connection, connect again"),
    /// The gateway failed over a message; its log says why. Connect again.
    Failed = (1001, "the gateway failed, connect again"),
    /// The token is not known here, and the gateway is cut off from the journal that it shares; connect again.
    CutOff = (1001, "the gateway is cut off, connect again"),
    /// A frame broke the WebSocket protocol.
    Protocol = (1002, "the frame breaks the WebSocket protocol"),
    /// A text frame was not UTF-8.
    NotUtf8 = (1007, "text frames are UTF-8"),
    /// The token is unknown, the first frame was no `TOKEN_AUTH`, or none came in time.
    NotAuthenticated = (1008, "authenticate with TOKEN_AUTH first"),
    /// The token was replaced, ended, or removed with its owner, while the connection was open.
    Revoked = (1008, "the token is no longer valid"),
    /// As many are signed in with the token as there may be; connect again later.
    Crowded = (1013, "there are too many connections, connect again later"),
    /// There were too many wrong tokens from the address; connect again later.
    Held = (1013, "there were too many wrong tokens, connect again later"),
    /// A frame was larger than any frame may be.
    TooBig = (1009, "the frame is too large"),
}

/// How often connections were ended, by why.
#[derive(Debug)]
pub struct Closes(Box<[Count]>);

impl Default for Closes {
    fn default() -> Self {
        Self(Close::ALL.iter().map(|_| Count::default()).collect())
    }
}

impl Closes {
    /// Counts one.
    pub fn add(&self, close: Close) {
        self.0[close as usize].add(1);
    }

    /// How many there were of each.
    pub fn all(&self) -> impl Iterator<Item = (Close, u64)> {
        Close::ALL.iter().zip(&self.0).map(|(close, count)| (*close, count.get()))
    }
}

impl From<Close> for CloseFrame {
    fn from(close: Close) -> Self {
        Self { code: CloseCode::from(close.code()), reason: close.reason().into() }
    }
}
