//! This is where people get off the whitelists of organisations, and where those are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{About, Permission, Sender, View};
use crate::event::Event;
use crate::methods::list::second_half;
use crate::methods::page::{Page, PageEnd, Start, page_fields};
use crate::methods::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::state::id::{MemberId, OrgId};
use crate::state::moment::Moment;
use crate::state::organization::{Member, Organization, Permissions, Status};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

/// Removes a member from an organisation's whitelist; the member's api keys are void at once.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveFromOrgWhitelist {
    /// The organisation; where it is left out, the one that the caller is of.
    org_id: Option<OrgId>,
    /// The address that the member was added with.
    email: Text,
}

/// Lists the members of an organisation in the order they were added, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetOrgWhitelist {
    /// The organisation; where it is left out, the one that the caller is of.
    org_id: Option<OrgId>,
    page_size: Option<Count>,
    page_number: Option<Count>,
    cursor: Option<Text>,
}

/// A member, as an organisation's whitelist has it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MemberRecord {
    id: MemberId,
    name: Box<str>,
    email: Box<str>,
    permissions: Permissions,
    /// From when on.
    start_date: Moment,
    /// Until just before when; null for good.
    end_date: Option<Moment>,
    status: Status,
    created_at: Moment,
    updated_at: Moment,
}

/// The member that was added or removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OneMember {
    org_id: OrgId,
    #[serde(flatten)]
    member: MemberRecord,
}

/// A page of the members.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Members {
    org_id: OrgId,
    members: Vec<MemberRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for OneMember {}

impl Reply for Members {
    fn split_off(&mut self) -> Option<Self> {
        let members = second_half(&mut self.members)?;
        Some(Self { org_id: self.org_id.clone(), members, end: self.end.hand_on() })
    }
}

impl MemberRecord {
    fn new(member: &Member, now: Moment) -> Self {
        let status = member.status(now);
        let Member { member_id: id, name, email, permissions, start_date, end_date, created_at, updated_at } =
            member.clone();
        Self { id, name, email, permissions, start_date, end_date, status, created_at, updated_at }
    }
}

impl OneMember {
    pub(super) fn new(org_id: OrgId, member: &Member, now: Moment) -> Self {
        Self { org_id, member: MemberRecord::new(member, now) }
    }
}

/// Finds out which organisation a message is about.
pub(super) fn resolve(org_id: &mut Option<OrgId>, sender: Sender<'_>) -> About {
    if org_id.is_none() {
        *org_id = sender.organization();
    }
    About::Organization(org_id.clone())
}

/// The organisation of a message that has passed the gate.
pub(super) fn resolved(org_id: Option<&OrgId>) -> &OrgId {
    org_id.expect("the gate lets no message through without its organisation")
}

/// There is no such member.
pub(super) fn unknown_member(org_id: &OrgId) -> Error {
    let message = format!("the address is not on the whitelist of organisation {org_id}; getOrgWhitelist lists who is");
    Error::new(Code::NotFound, message)
}

/// Refuses to take from the last one who may keep the whitelist for good what that takes.
pub(super) fn keep_a_holder(
    organization: &Organization,
    email: &str,
    after: Option<&Member>,
    now: Moment,
) -> Result<(), Error> {
    if !organization.loses_last_holder(email, after, now) {
        return Ok(());
    }
    let message = "this is the last member with can_use_whitelist and no end_date; give both to another member first";
    Err(Error::new(Code::Conflict, message))
}

impl Method for RemoveFromOrgWhitelist {
    const CALL: Call = Call::new(
        "removeFromOrgWhitelist",
        "removeFromOrgWhitelist_ack",
        "takes a member off an organisation's whitelist, with all api keys",
    );
    const NEEDS: Permission = Permission::OrgWhitelist;
    const NOUN: Noun = Noun::Organizations;
    const REFUSES: &[Code] = &[Code::Conflict];
    type Reply = OneMember;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.org_id, sender)
    }
}

impl RemoveFromOrgWhitelist {
    fn refuse(&self, view: View<'_>) -> Result<(), Error> {
        let org_id = resolved(self.org_id.as_ref());
        let organization = view.state.organization(org_id).ok_or_else(|| Error::unknown_organization(org_id))?;
        let member = organization.member(&self.email.0).ok_or_else(|| unknown_member(org_id))?;
        keep_a_holder(&organization, &member.email, None, view.now())
    }
}

impl Alter for RemoveFromOrgWhitelist {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<OneMember>, Error> {
        self.refuse(view).map(|()| Verdict::Proceed)
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<OneMember, Error> {
        self.refuse(turn.view())?;
        let org_id = resolved(self.org_id.as_ref()).clone();
        let removed = turn.writer.remove_member(&org_id, &self.email.0);
        let (member, keys) = removed.ok_or_else(|| unknown_member(&org_id))?;
        turn.events.extend(keys.into_iter().map(|key| Event::TokenRevoked(key.token)));
        Ok(OneMember::new(org_id, &member, turn.now()))
    }
}

impl Method for GetOrgWhitelist {
    const CALL: Call =
        Call::new("getOrgWhitelist", "getOrgWhitelistResponse", "lists an organisation's whitelist by pages");
    const NEEDS: Permission = Permission::OrgWhitelist;
    const NOUN: Noun = Noun::Organizations;
    type Reply = Members;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.org_id, sender)
    }

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetOrgWhitelist {
    fn answer(&self, view: View<'_>) -> Result<Members, Error> {
        let org_id = resolved(self.org_id.as_ref());
        let organization = view.state.organization(org_id).ok_or_else(|| Error::unknown_organization(org_id))?;
        let page = self.page()?;
        let (members, end) = match page.start {
            Start::Rank(rank) => page.cut(organization.from_rank(rank)),
            Start::After(id) => page.cut(organization.after(id)),
        };
        let members = members.into_iter().map(|(_, member)| MemberRecord::new(member, view.now()));
        Ok(Members { org_id: org_id.clone(), members: members.collect(), end })
    }
}

impl GetOrgWhitelist {
    fn page(&self) -> Result<Page, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}
