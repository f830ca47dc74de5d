//! This is where organisations are created, named, listed and removed.

mod add_to_whitelist;
mod api_keys;
mod whitelist;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::apps::bound_name;
use super::list::second_half;
use super::page::{ORG_CURSOR, Page, PageEnd, page_fields};
use super::{Alter, Ask, Call, Method, Noun, Turn, Verdict};
use crate::access::{Permission, View};
use crate::config::NAME_BYTES_MAX;
use crate::event::Event;
use crate::state::bot::Grant;
use crate::state::id::OrgId;
use crate::state::moment::Moment;
use crate::state::organization::{OrgSettings, Organization};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

pub use add_to_whitelist::AddToOrgWhitelist;
pub use api_keys::{GetApiKeys, RemoveApiKey, SetApiKey};
pub use whitelist::{GetOrgWhitelist, RemoveFromOrgWhitelist};

/// Creates an organisation or renames it; a name that is not given stays as it is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetOrganization {
    org_id: OrgId,
    /// For people.
    #[schemars(extend("maxLength" = NAME_BYTES_MAX))]
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
}

/// Removes an organisation with its members and their api keys, and every grant in it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveOrganization {
    org_id: OrgId,
}

/// Lists the organisations by id, by pages or by cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = page_fields)]
pub struct GetOrganizations {
    page_size: Option<Count>,
    page_number: Option<Count>,
    #[schemars(extend("pattern" = ORG_CURSOR))]
    cursor: Option<Text>,
}

/// An organisation, and how many members it has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrgRecord {
    org_id: OrgId,
    name: Box<str>,
    /// How many they are.
    members: usize,
    created_at: Moment,
    updated_at: Moment,
}

/// The organisation that was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RemovedOrganization {
    org_id: OrgId,
}

/// A page of the organisations.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Organizations {
    organizations: Vec<OrgRecord>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Reply for OrgRecord {}
impl Reply for RemovedOrganization {}

impl Reply for Organizations {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { organizations: second_half(&mut self.organizations)?, end: self.end.hand_on() })
    }
}

impl OrgRecord {
    fn new(organization: &Organization) -> Self {
        let OrgSettings { org_id, name, created_at, updated_at } = organization.settings.clone();
        Self { org_id, name, members: organization.len(), created_at, updated_at }
    }
}

impl Method for SetOrganization {
    const CALL: Call = Call::new("setOrganization", "setOrganization_ack", "creates an organisation or renames it");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Organizations;
    type Reply = OrgRecord;

    fn validate(&mut self) -> Result<(), Error> {
        bound_name(self.name.as_ref())
    }
}

impl Alter for SetOrganization {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<OrgRecord>, Error> {
        let named = |standing: &Organization| self.name.as_ref().is_none_or(|name| name.0 == standing.settings.name);
        let standing = view.state.organization(&self.org_id).filter(|standing| named(standing));
        Ok(standing.map_or(Verdict::Proceed, |standing| Verdict::Unchanged(OrgRecord::new(&standing))))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<OrgRecord, Error> {
        let now = turn.now();
        if let Some(mut organization) = turn.writer.organization_mut(&self.org_id) {
            if let Some(name) = self.name.filter(|name| name.0 != organization.settings.name) {
                let settings = OrgSettings { name: name.0, updated_at: now, ..organization.settings.clone() };
                organization.set(settings);
            }
            return Ok(OrgRecord::new(&organization));
        }
        let name = self.name.map(|name| name.0).unwrap_or_default();
        let settings = OrgSettings { org_id: self.org_id, name, created_at: now, updated_at: now };
        let organization = Organization::new(settings);
        let record = OrgRecord::new(&organization);
        turn.writer.put_organization(organization);
        Ok(record)
    }
}

impl Method for RemoveOrganization {
    const CALL: Call = Call::new(
        "removeOrganization",
        "removeOrganization_ack",
        "removes an organisation with its members, their api keys and all grants in it",
    );
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Organizations;
    const REFUSES: &[Code] = &[Code::NotFound];
    type Reply = RemovedOrganization;
}

impl Alter for RemoveOrganization {
    fn check(&mut self, view: View<'_>) -> Result<Verdict<RemovedOrganization>, Error> {
        let standing = view.state.organization(&self.org_id);
        standing.map(|_| Verdict::Proceed).ok_or_else(|| Error::unknown_organization(&self.org_id))
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<RemovedOrganization, Error> {
        let org_id = self.org_id;
        let removed = turn.writer.remove_organization(&org_id);
        let (_, keys) = removed.ok_or_else(|| Error::unknown_organization(&org_id))?;
        turn.events.extend(keys.into_iter().map(|key| Event::TokenRevoked(key.token)));
        let is_in = |grant: &Grant| grant.org_id() == Some(&org_id);
        for bot_id in turn.writer.state().bot_ids() {
            let bot = turn.writer.state().bot(bot_id).filter(|bot| bot.grants.iter().any(is_in));
            if let Some(bot) = bot.map(|bot| bot.clone()) {
                turn.writer.put_bot(bot.with_grants(|grant| !is_in(grant)));
            }
        }
        Ok(RemovedOrganization { org_id })
    }
}

impl Method for GetOrganizations {
    const CALL: Call = Call::new("getOrganizations", "getOrganizationsResponse", "lists the organisations by pages");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Organizations;
    type Reply = Organizations;

    fn validate(&mut self) -> Result<(), Error> {
        self.page().map(|_| ())
    }
}

impl Ask for GetOrganizations {
    fn answer(&self, view: View<'_>) -> Result<Organizations, Error> {
        let (ids, end) = self.page()?.cut_ids(&view.state.organization_ids());
        let standing =
            ids.into_iter().filter_map(|id| view.state.organization(&id).map(|found| OrgRecord::new(&found)));
        Ok(Organizations { organizations: standing.collect(), end })
    }
}

impl GetOrganizations {
    fn page(&self) -> Result<Page<Option<OrgId>>, Error> {
        Page::new(self.page_size, self.page_number, self.cursor.as_ref())
    }
}
