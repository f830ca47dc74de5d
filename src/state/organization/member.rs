//! This is where a member of an organisation is described: what is permitted, and the window in which that holds.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::state::id::MemberId;
use crate::state::moment::Moment;

/// What a member may be permitted in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", try_from = "Box<str>")]
#[schemars(!try_from)]
pub enum OrgPermission {
    /// To get in at all.
    CanRead,
    /// To use api keys.
    CanUseApi,
    /// To add and remove members.
    CanUseWhitelist,
    /// To delegate tasks.
    CanDelegate,
}

/// Why a text is no permission.
#[derive(Debug, thiserror::Error)]
#[error("is none of the permissions can_read, can_use_api, can_use_whitelist and can_delegate")]
pub struct NotAPermission;

impl OrgPermission {
    /// All there are, in the order in which they are always written.
    pub const ALL: [Self; 4] = [Self::CanRead, Self::CanUseApi, Self::CanUseWhitelist, Self::CanDelegate];

    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CanRead => "can_read",
            Self::CanUseApi => "can_use_api",
            Self::CanUseWhitelist => "can_use_whitelist",
            Self::CanDelegate => "can_delegate",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl TryFrom<Box<str>> for OrgPermission {
    type Error = NotAPermission;

    fn try_from(text: Box<str>) -> Result<Self, NotAPermission> {
        Self::ALL.into_iter().find(|permission| permission.name() == &*text).ok_or(NotAPermission)
    }
}

impl fmt::Display for OrgPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions. Written as an array in the order of [`OrgPermission::ALL`]; read from an array in any order, with
/// repeats.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Whether a permission is in it.
    pub fn contains(self, permission: OrgPermission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in it, in the fixed order.
    pub fn iter(self) -> impl Iterator<Item = OrgPermission> {
        OrgPermission::ALL.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<OrgPermission> for Permissions {
    fn from_iter<I: IntoIterator<Item = OrgPermission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<OrgPermission>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl JsonSchema for Permissions {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Permissions".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array", "items": generator.subschema_for::<OrgPermission>(), "uniqueItems": true})
    }
}

/// Somebody on an organisation's whitelist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The id, which stays as long as the address is on the whitelist.
    pub member_id: MemberId,
    /// The full name.
    pub name: Box<str>,
    /// The email address, as it was first given; it compares folded (see [`fold`](crate::state::patterns::fold)).
    pub email: Box<str>,
    /// What the member may do within the window.
    pub permissions: Permissions,
    /// When the window opens: from this moment on.
    pub start_date: Moment,
    /// When the window closes: this moment is outside already. `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Moment>,
    /// When the member was added.
    pub created_at: Moment,
    /// When the member was changed last.
    pub updated_at: Moment,
}

/// Where a moment lies in a member's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Before it.
    Scheduled,
    /// Within it.
    Active,
    /// After it.
    Expired,
}

impl Member {
    /// Where a moment lies in the member's window.
    pub fn status(&self, at: Moment) -> Status {
        if at < self.start_date {
            Status::Scheduled
        } else if self.end_date.is_some_and(|end| end <= at) {
            Status::Expired
        } else {
            Status::Active
        }
    }

    /// Whether the member has a permission at a moment.
    pub fn holds(&self, permission: OrgPermission, at: Moment) -> bool {
        self.status(at) == Status::Active && self.permissions.contains(permission)
    }

    /// Whether the member may keep the whitelist at a moment and, if nobody changes it, ever after.
    pub fn is_lasting_holder(&self, at: Moment) -> bool {
        self.end_date.is_none() && self.holds(OrgPermission::CanUseWhitelist, at)
    }
}
