//! This is where frames are counted that were taken for no request, by why.

use super::Count;

macro_rules! rejected {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal,)*) => {
        /// Why a frame was taken for no request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Rejected {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Rejected {
            /// Every reason.
            pub const ALL: &[Rejected] = &[$(Rejected::$name),*];

            /// Its name, in metrics.
            pub fn name(self) -> &'static str {
                match self {
                    $(Rejected::$name => $label,)*
                }
            }
        }
    };
}

rejected! {
    /// It was no text.
    Binary = "binary",
    /// It was no JSON object with a method.
    Malformed = "malformed",
    /// It was larger than a message may be.
    TooLarge = "too_large",
    /// There were too many in too short a time.
    TooMany = "too_many",
    /// It broke the WebSocket protocol, and ended its connection.
    Protocol = "protocol",
    /// It was no UTF-8, and ended its connection.
    NotUtf8 = "not_utf8",
    /// It was larger than any frame may be, and ended its connection.
    TooBig = "too_big",
}

/// Frames that were taken for no request.
#[derive(Debug)]
pub struct Rejections(Box<[Count]>);

impl Default for Rejections {
    fn default() -> Self {
        Self(Rejected::ALL.iter().map(|_| Count::default()).collect())
    }
}

impl Rejections {
    /// Counts one.
    pub fn add(&self, why: Rejected) {
        self.0[why as usize].add(1);
    }

    /// How many there were, for each reason.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Rejected::ALL.iter().zip(&self.0).map(|(why, count)| (why.name(), count.get()))
    }
}
