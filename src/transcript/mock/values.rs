//! The values that placeholders get where nobody has bound one.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use super::super::json::Json;
use super::super::placeholder::Kind;
use crate::clock::now_ms;
use crate::state::moment::Moment;

/// Makes values; no two of those that name something are the same.
#[derive(Debug, Default)]
pub(super) struct Values {
    count: AtomicU64,
}

impl Values {
    /// A value of a kind.
    pub(super) fn make(&self, kind: Kind) -> Json {
        match kind {
            Kind::Any => Json::String("any".to_owned()),
            Kind::String => Json::String("string".to_owned()),
            Kind::Number | Kind::Integer => Json::Number("0".to_owned()),
            Kind::Boolean => Json::Boolean(false),
            Kind::Digits => Json::String(self.next().to_string()),
            Kind::Uuid => Json::String(Uuid::new_v4().to_string()),
            Kind::Time => Json::String(Moment::of_ms(now_ms()).to_string()),
        }
    }

    /// A value that a name stands for, and no other name: a token has to tell who signs in.
    pub(super) fn make_for(&self, name: &str, kind: Kind) -> Json {
        match kind {
            Kind::Any | Kind::String => Json::String(format!("{name}-{}", self.next())),
            _ => self.make(kind),
        }
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}
