//! How a limit is read from a text, and shown as one: `connections_max=500`, `idle_wait=2m`.

use std::time::Duration;

use jiff::SignedDuration;

/// A limit as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// What it bounds, and in which unit.
    pub about: String,
    /// How much, as a value of a TOML file.
    pub value: String,
}

/// Why a limit was not set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamedError {
    /// There is none of that name.
    #[error("there is no limit `{name}`{}; `guestlist config` lists them", perhaps(*.meant))]
    Unknown {
        /// The name.
        name: String,
        /// The one that is most alike.
        meant: Option<&'static str>,
    },
    /// It does not take that value.
    #[error("the limit `{name}` cannot be `{value}`: {what}")]
    Value {
        /// The limit.
        name: String,
        /// The value.
        value: String,
        /// What it takes.
        what: &'static str,
    },
    /// Two of them do not go together.
    #[error("the limits do not go together: {0}")]
    Together(String),
}

fn perhaps(meant: Option<&str>) -> String {
    meant.map(|meant| format!(", perhaps `{meant}` was meant")).unwrap_or_default()
}

/// What a limit is measured in.
pub trait Measure: Sized {
    /// Reads it, or says what can be read.
    fn read(text: &str) -> Result<Self, &'static str>;

    /// A value of a TOML file.
    fn show(&self) -> String;
}

/// Above any limit that makes sense, and below what queues can be made for.
const NUMBER_MAX: u64 = 1 << 40;

/// The same for waits: a year.
const WAIT_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads a whole number within bounds.
fn number(text: &str, least: u64) -> Option<u64> {
    text.replace('_', "").parse().ok().filter(|number| (least..=NUMBER_MAX).contains(number))
}

/// Bytes on disk, of which none may be wanted.
impl Measure for u64 {
    fn read(text: &str) -> Result<Self, &'static str> {
        number(text, 0).ok_or("write a whole number from 0 to 1099511627776")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// How many there may be of something, and nothing works without any.
impl Measure for usize {
    fn read(text: &str) -> Result<Self, &'static str> {
        let number = number(text, 1).and_then(|number| Self::try_from(number).ok());
        number.ok_or("write a whole number from 1 to 1099511627776")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Measure for u32 {
    fn read(text: &str) -> Result<Self, &'static str> {
        let number = number(text, 1).and_then(|number| Self::try_from(number).ok());
        number.ok_or("write a whole number from 1 to 4294967295")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Measure for Duration {
    fn read(text: &str) -> Result<Self, &'static str> {
        let wait: Option<SignedDuration> = text.parse().ok();
        let wait = wait.and_then(|wait| Self::try_from(wait).ok());
        let wait = wait.filter(|wait| (Self::from_millis(1)..=WAIT_MAX).contains(wait));
        wait.ok_or("write a time such as \"10s\", \"500ms\" or \"1m30s\"")
    }

    fn show(&self) -> String {
        let wait = SignedDuration::try_from(*self).unwrap_or(SignedDuration::MAX);
        format!("\"{wait:#}\"")
    }
}

/// Which of some names is so much like one that is none of them that it may have been meant.
pub fn meant(name: &str, names: &[&'static str]) -> Option<&'static str> {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let most = names.iter().copied().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    most.filter(|other| likeness(other) > 0.8)
}

/// A struct of limits, each with its default, which can be listed, and set by name.
macro_rules! named {
    (
        $(#[doc = $about_all:literal])+
        pub struct $all:ident {
            $($(#[doc = $about:literal])+ $name:ident: $measure:ty = $default:expr,)+
        }
    ) => {
        $(#[doc = $about_all])+
        #[derive(Clone, Debug)]
        pub struct $all {
            $($(#[doc = $about])+ pub $name: $measure,)+
        }

        impl Default for $all {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl $all {
            /// Every one, in the order in which they stand here.
            pub fn all(&self) -> Vec<$crate::config::Named> {
                use $crate::config::named::Measure;
                vec![$($crate::config::Named {
                    name: stringify!($name),
                    about: concat!($($about),+).trim().to_owned(),
                    value: self.$name.show(),
                },)+]
            }

            /// Sets one by its name.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), $crate::config::NamedError> {
                use $crate::config::named::{Measure, meant};
                let refused = |what| {
                    let (name, value) = (name.to_owned(), value.to_owned());
                    $crate::config::NamedError::Value { name, value, what }
                };
                match name {
                    $(stringify!($name) => self.$name = Measure::read(value).map_err(refused)?,)+
                    _ => {
                        let meant = meant(name, &[$(stringify!($name)),+]);
                        return Err($crate::config::NamedError::Unknown { name: name.to_owned(), meant });
                    }
                }
                Ok(())
            }
        }
    };
}

pub(super) use named;

#[cfg(test)]
mod tests {
    use crate::config::{Limits, NamedError};

    #[test]
    fn what_is_shown_can_be_set() {
        let mut limits = Limits::default();
        for limit in Limits::default().all() {
            let value = limit.value.trim_matches('"');
            limits.set(limit.name, value).unwrap_or_else(|error| panic!("{error}"));
            assert!(limit.about.len() > 10, "{limit:?}");
        }
        assert_eq!(limits.all(), Limits::default().all());
        limits.set("connections_max", "5_000").expect("it is a number");
        limits.set("idle_wait", "1m 30s").expect("it is a time");
        limits.set("journal_keep_bytes", "0").expect("none may be wanted");
        assert_eq!((limits.connections_max, limits.idle_wait.as_secs()), (5_000, 90));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let mut limits = Limits::default();
        for (name, value, said) in [
            ("connections_max", "0", "write a whole number"),
            ("connections_max", "many", "write a whole number"),
            ("guesses_burst", "4294967296", "4294967295"),
            ("idle_wait", "120", "write a time"),
            ("idle_wait", "-1s", "write a time"),
        ] {
            let refused = limits.set(name, value).expect_err("it is no value");
            assert!(refused.to_string().contains(said), "{refused}");
        }
        assert_eq!(
            limits.set("connection_max", "5"),
            Err(NamedError::Unknown { name: "connection_max".to_owned(), meant: Some("connections_max") })
        );
        assert!(limits.set("colour", "5").is_err_and(|error| !error.to_string().contains("perhaps")));
        assert_eq!(limits.all(), Limits::default().all());
    }
}
