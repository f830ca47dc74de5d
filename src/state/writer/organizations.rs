//! This is where organisations, their members and the members' api keys are changed.

use std::borrow::Cow;
use std::ops::Deref;

use dashmap::mapref::one::RefMut;

use super::Writer;
use crate::state::id::{KeyId, OrgId};
use crate::state::organization::{ApiKey, Member, OrgSettings, Organization};
use crate::state::record::Record;
use crate::state::tally::Tally;
use crate::state::token::Holder;

/// An organisation that is being changed; readers see it when this is dropped.
#[derive(Debug)]
pub struct OrganizationMut<'a> {
    organization: RefMut<'a, OrgId, Organization>,
    tally: &'a mut Tally,
}

impl Writer {
    /// An organisation, to be changed.
    pub fn organization_mut(&mut self, id: &OrgId) -> Option<OrganizationMut<'_>> {
        Some(OrganizationMut { organization: self.state.organizations.get_mut(id)?, tally: &mut self.tally })
    }

    /// Puts a new organisation in place.
    pub fn put_organization(&mut self, organization: Organization) {
        let id = organization.settings.org_id.clone();
        self.tally.add_organization(&organization);
        if let Some(before) = self.state.organizations.insert(id, organization) {
            self.tally.remove_organization(&before);
        }
    }

    /// Takes an organisation away, with its members and their api keys, which are given back.
    pub fn remove_organization(&mut self, id: &OrgId) -> Option<(Organization, Vec<ApiKey>)> {
        let (_, organization) = self.state.organizations.remove(id)?;
        self.tally.remove_organization(&organization);
        let keys = organization.keys().filter_map(|key| self.remove_api_key(key)).collect();
        Some((organization, keys))
    }

    /// Puts a member in place, where there is the organisation.
    pub fn put_member(&mut self, id: &OrgId, member: Member) {
        self.note_id(|last| last.note_member(member.member_id));
        if let Some(mut organization) = self.organization_mut(id) {
            organization.put_member(member);
        }
    }

    /// Takes a member away, with their api keys, which are given back.
    pub fn remove_member(&mut self, id: &OrgId, email: &str) -> Option<(Member, Vec<ApiKey>)> {
        let keys: Vec<KeyId> = {
            let organization = self.state.organizations.get(id)?;
            organization.keys_of(organization.member(email)?.member_id).collect()
        };
        let keys = keys.into_iter().filter_map(|key| self.remove_api_key(key)).collect();
        let member = self.state.organizations.get_mut(id)?.remove_member(email)?;
        self.tally.remove(&Record::of_member(id, &member));
        Some((member, keys))
    }

    /// Puts an api key in place, with its member; a token it had before is void.
    pub fn put_api_key(&mut self, key: ApiKey) {
        let (id, token) = (key.key_id, key.token);
        self.note_id(|last| last.note_key(id));
        if let Some(mut organization) = self.state.organizations.get_mut(&key.org_id)
            && let Some(member) = organization.member(&key.email).map(|member| member.member_id)
        {
            organization.note_key(member, id);
        }
        self.tally.add(&Record::ApiKey(Cow::Borrowed(&key)));
        self.state.tokens.insert(token, Holder::ApiKey(id));
        if let Some(before) = self.state.api_keys.insert(id, key) {
            self.tally.remove(&Record::ApiKey(Cow::Borrowed(&before)));
            if before.token != token {
                self.state.tokens.remove(&before.token);
            }
        }
    }

    /// Takes an api key away; its token is void.
    pub fn remove_api_key(&mut self, id: KeyId) -> Option<ApiKey> {
        let (_, key) = self.state.api_keys.remove(&id)?;
        self.tally.remove(&Record::ApiKey(Cow::Borrowed(&key)));
        self.state.tokens.remove(&key.token);
        if let Some(mut organization) = self.state.organizations.get_mut(&key.org_id)
            && let Some(member) = organization.member(&key.email).map(|member| member.member_id)
        {
            organization.forget_key(member, id);
        }
        Some(key)
    }
}

impl Deref for OrganizationMut<'_> {
    type Target = Organization;

    fn deref(&self) -> &Organization {
        &self.organization
    }
}

impl OrganizationMut<'_> {
    /// Changes its settings.
    ///
    /// # Panics
    /// If they are another organisation's.
    pub fn set(&mut self, settings: OrgSettings) {
        assert_eq!(settings.org_id, self.organization.settings.org_id, "an organisation keeps its id");
        self.tally.remove(&Record::Organization(Cow::Borrowed(&self.organization.settings)));
        self.tally.add(&Record::Organization(Cow::Borrowed(&settings)));
        self.organization.settings = settings;
    }

    /// Puts a member in the place of the one with the same address, or else behind all others.
    pub(in crate::state) fn put_member(&mut self, member: Member) {
        let org_id = &self.organization.settings.org_id;
        self.tally.add(&Record::of_member(org_id, &member));
        if let Some(before) = self.organization.member(&member.email) {
            self.tally.remove(&Record::of_member(org_id, before));
        }
        self.organization.put_member(member);
    }
}
