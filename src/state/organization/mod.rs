//! This is where an organisation's whitelist is: its members, in order and by address, and the answer to "may this member do
//! that, now?".

mod member;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{KeyId, MemberId, OrgId};
use super::moment::Moment;
use super::patterns::fold;
use super::ranked::Ranked;
use super::token::TokenHash;

pub use member::{Member, OrgPermission, Permissions, Status};

/// What is known of an organisation beside its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgSettings {
    /// Its id.
    pub org_id: OrgId,
    /// Its name, for people.
    pub name: Box<str>,
    /// When it was made.
    pub created_at: Moment,
    /// When its settings changed last.
    pub updated_at: Moment,
}

/// What decided about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrgReason {
    /// The address is not on the whitelist.
    NotAMember,
    /// The member's window is still to come.
    Scheduled,
    /// The member's window is past.
    Expired,
    /// The member does not have the permission.
    PermissionMissing,
    /// The member has it.
    Member,
}

impl OrgReason {
    /// Whether this reason is for yes.
    pub fn allows(self) -> bool {
        self == Self::Member
    }
}

/// A decision about an email address, with the member it is, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrgDecision<'a> {
    /// What decided; [`OrgReason::allows`] says how.
    pub reason: OrgReason,
    /// The member of the address.
    pub member: Option<&'a Member>,
    /// When the decision is to be asked for again, for time alone may change it; `None`: never.
    pub expires_at: Option<Moment>,
}

/// A key with which programs act as a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub key_id: KeyId,
    /// The organisation.
    pub org_id: OrgId,
    /// The member's email address.
    pub email: Box<str>,
    /// Its name, for people.
    pub name: Box<str>,
    /// The hash of the key.
    pub token: TokenHash,
    /// When it was made.
    pub created_at: Moment,
}

/// An organisation with its whitelist.
///
/// Members stand in the order of their ids; one who is replaced keeps the place. Addresses compare folded (see [`fold()`]).
#[derive(Debug)]
pub struct Organization {
    /// What is known of it beside its members.
    pub settings: OrgSettings,
    members: Ranked<Member>,
    by_email: HashMap<Box<str>, MemberId>,
    keys: BTreeSet<(MemberId, KeyId)>,
}

impl Organization {
    /// An organisation without members.
    pub fn new(settings: OrgSettings) -> Self {
        Self { settings, members: Ranked::default(), by_email: HashMap::new(), keys: BTreeSet::new() }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The member of an email address.
    pub fn member(&self, email: &str) -> Option<&Member> {
        let id = self.by_email.get(fold(email).as_ref())?;
        self.members.get(id.get().into())
    }

    /// The highest id of a member, also of one who was removed only lately.
    pub fn last_member_id(&self) -> Option<u64> {
        self.members.last_id()
    }

    /// All members, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().map(|(_, member)| member)
    }

    /// The members from the one with `rank` others before it on, with their ids.
    pub fn from_rank(&self, rank: usize) -> impl Iterator<Item = (u64, &Member)> {
        self.members.from_rank(rank)
    }

    /// The members with ids above `id`, with their ids.
    pub fn after(&self, id: u64) -> impl Iterator<Item = (u64, &Member)> {
        self.members.from_id(Bound::Excluded(id))
    }

    /// Puts a member in the place of the one with the same address, or else behind all others.
    ///
    /// # Panics
    /// If the one with the same address has another id, or if a new member's id is not above all ids before.
    pub fn put_member(&mut self, member: Member) {
        let id = member.member_id;
        let standing = self.by_email.insert(fold(&member.email).into(), id);
        if let Some(standing) = standing {
            assert!(standing == id, "whoever replaces a member has its id");
            *self.members.get_mut(id.get().into()).expect("an indexed member stands") = member;
        } else {
            self.members.push(id.get().into(), member);
        }
    }

    /// Takes the member of an email address away.
    pub fn remove_member(&mut self, email: &str) -> Option<Member> {
        let id = self.by_email.remove(fold(email).as_ref())?;
        self.members.remove(id.get().into())
    }

    /// Whether nobody would be left to keep the whitelist for good, where somebody is now, if the member of an address became
    /// `after`, or was gone.
    pub fn loses_last_holder(&self, email: &str, after: Option<&Member>, at: Moment) -> bool {
        let Some(member) = self.member(email).filter(|member| member.is_lasting_holder(at)) else { return false };
        let stays = after.is_some_and(|after| after.is_lasting_holder(at));
        let other = |other: &Member| other.member_id != member.member_id && other.is_lasting_holder(at);
        !stays && !self.members().any(other)
    }

    /// Whether somebody has a permission at a moment, and why.
    pub fn decide(&self, email: &str, permission: OrgPermission, at: Moment) -> OrgDecision<'_> {
        let Some(member) = self.member(email) else {
            return OrgDecision { reason: OrgReason::NotAMember, member: None, expires_at: None };
        };
        let (reason, expires_at) = match member.status(at) {
            Status::Scheduled => (OrgReason::Scheduled, Some(member.start_date)),
            Status::Expired => (OrgReason::Expired, None),
            Status::Active if member.permissions.contains(permission) => (OrgReason::Member, member.end_date),
            Status::Active => (OrgReason::PermissionMissing, None),
        };
        OrgDecision { reason, member: Some(member), expires_at }
    }

    /// Notes a key of a member.
    pub fn note_key(&mut self, member: MemberId, key: KeyId) {
        self.keys.insert((member, key));
    }

    /// Forgets a key of a member.
    pub fn forget_key(&mut self, member: MemberId, key: KeyId) {
        self.keys.remove(&(member, key));
    }

    /// The keys of a member, rising.
    pub fn keys_of(&self, member: MemberId) -> impl Iterator<Item = KeyId> {
        let from = self.keys.range((member, KeyId::FIRST)..);
        from.take_while(move |(of, _)| *of == member).map(|(_, key)| *key)
    }

    /// The keys of all members.
    pub fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|(_, key)| *key)
    }
}
