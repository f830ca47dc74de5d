//! This is where points in time are told: when something was made, and from when to when it holds.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use crate::schema::leaf::schema_of;

/// A point in time, to the millisecond. Written as `2024-03-20T10:00:00.000Z`; read with any offset, and without one as UTC; what
/// lies behind the last moment there is, such as the end of the year 9999, is that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(i64);

schema_of!(Moment, "Moment",
read: {
    "description": "A point in time, such as 2024-03-20T10:00:00Z; without an offset it is UTC, without a time midnight.",
    "type": "string",
    "pattern": "^\\+?[0-9]{4,6}-?(0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])([Tt ]([01][0-9]|2[0-3])(:?[0-5][0-9](:?[0-6][0-9]([.,][0-9]{1,9})?)?)?([Zz]|[+-][0-2][0-9](:?[0-5][0-9])*)?)?(\\[[^\\]]*\\])*$"
},
written: {
    "description": "A point in time, in UTC and with milliseconds.",
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$"
});

/// Why a text is no point in time.
#[derive(Debug, thiserror::Error)]
#[error("a time is written like 2024-03-20T10:00:00.000Z, in the years 1 to 9999")]
pub struct NotAMoment;

impl Moment {
    /// The moment so many milliseconds after 1970 began.
    pub fn of_ms(ms: u64) -> Self {
        Self(i64::try_from(ms).unwrap_or(i64::MAX).min(last()))
    }

    /// How many milliseconds after 1970 began it is; none, for one before.
    pub fn ms(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }

    /// The moment so many milliseconds later.
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add_unsigned(ms).min(last()))
    }
}

/// The last moment there is: the last whole second that a timestamp has, some hours before the year 9999 ends.
fn last() -> i64 {
    Timestamp::MAX.as_second() * 1_000
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = Timestamp::from_millisecond(self.0).expect("a moment is within the years a timestamp has");
        write!(f, "{timestamp:.3}")
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let told = Pieces::parse(text).map_err(|_| NotAMoment)?;
        let offset = match told.to_numeric_offset() {
            // What the clocks of a place show is not looked up.
            None if told.time_zone_annotation().is_some() => return Err(NotAMoment),
            offset => offset.unwrap_or(Offset::UTC),
        };
        let local = told.date().to_datetime(told.time().unwrap_or_default());
        let since = local.duration_since(Offset::UTC.to_datetime(Timestamp::UNIX_EPOCH));
        let ms = i64::try_from(since.as_millis()).expect("the years that can be told are few");
        let ms = ms - i64::from(offset.seconds()) * 1_000;
        // Earlier years are written with six digits and a sign, which other readers do not know.
        let first: Timestamp =
            "0001-01-01T00:00:00Z".parse().expect("the first moment of the first year is a timestamp");
        if ms < first.as_millisecond() { Err(NotAMoment) } else { Ok(Self(ms.min(last()))) }
    }
}

impl TryFrom<String> for Moment {
    type Error = NotAMoment;

    fn try_from(text: String) -> Result<Self, NotAMoment> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_milliseconds_and_z() {
        for (text, written) in [
            ("2025-03-05T11:34:30.258Z", "2025-03-05T11:34:30.258Z"),
            ("2025-03-05T11:34:30Z", "2025-03-05T11:34:30.000Z"),
            ("2025-03-05 11:34:30.2589+01:00", "2025-03-05T10:34:30.258Z"),
            ("2025-03-05T11:34:30.258900", "2025-03-05T11:34:30.258Z"),
            ("2025-03-05", "2025-03-05T00:00:00.000Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
            // Further than it goes: these stand for a time that never comes.
            ("9999-12-31T23:59:59Z", "9999-12-30T22:00:00.000Z"),
            ("9999-12-31T23:59:59.999+00:00", "9999-12-30T22:00:00.000Z"),
            ("9999-12-31", "9999-12-30T22:00:00.000Z"),
            ("9999-12-30T21:30:00-05:00", "9999-12-30T22:00:00.000Z"),
            ("9999-12-31T10:00:00+14:00", "9999-12-30T20:00:00.000Z"),
        ] {
            let moment: Moment = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(moment.to_string(), written);
        }
        assert_eq!(Moment::of_ms(1_710_928_800_000).to_string(), "2024-03-20T10:00:00.000Z");
        assert_eq!(Moment::of_ms(u64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
    }

    #[test]
    fn what_names_no_moment_is_none() {
        for text in [
            "",
            "now",
            "2025-13-01T00:00:00Z",
            "11:34",
            "-000001-01-01T00:00:00Z",
            "2025-03-05T25:00:00Z",
            "1741174470",
            "0001-01-01T00:00:00+01:00",
            "2025-03-05T11:34:30[Europe/Berlin]",
            "2025-03-05T11:34:30+99:00",
            "2025-03-05Z",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text} was taken");
        }
    }
}
