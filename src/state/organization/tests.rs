//! What holds of an organisation's whitelist.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn organization() -> Organization {
    let (org_id, epoch) = ("acme".parse().expect("a plain name is an id"), Moment::of_ms(0));
    Organization::new(OrgSettings { org_id, name: "Acme".into(), created_at: epoch, updated_at: epoch })
}

fn member(id: u64, email: &str, permissions: &[OrgPermission], start_ms: u64, end_ms: Option<u64>) -> Member {
    Member {
        member_id: id.try_into().expect("the test's ids are ids"),
        name: "Somebody".into(),
        email: email.into(),
        permissions: permissions.iter().copied().collect(),
        start_date: Moment::of_ms(start_ms),
        end_date: end_ms.map(Moment::of_ms),
        created_at: Moment::of_ms(0),
        updated_at: Moment::of_ms(0),
    }
}

fn ids<'a>(members: impl Iterator<Item = (u64, &'a Member)>) -> Vec<u64> {
    members.map(|(id, _)| id).collect()
}

#[test]
fn permissions_are_written_in_one_order_without_repeats() {
    let text = r#"["can_delegate","can_read","can_delegate","can_use_whitelist"]"#;
    let permissions: Permissions = serde_json::from_str(text).expect("permissions are read");
    let written = serde_json::to_string(&permissions).expect("permissions are written");
    assert_eq!(written, r#"["can_read","can_use_whitelist","can_delegate"]"#);
    assert!(serde_json::from_str::<Permissions>(r#"["can_fly"]"#).is_err());
    for permission in OrgPermission::ALL {
        let written = serde_json::to_string(&permission).expect("a permission is written");
        assert_eq!(written, format!("\"{permission}\""));
    }
}

#[test]
fn members_are_found_in_any_case_and_keep_their_place_when_replaced() {
    let mut organization = organization();
    for (id, email) in [(3, "Amy@Example.com"), (5, "bob@example.com"), (9, "cleo@example.com")] {
        organization.put_member(member(id, email, &[OrgPermission::CanRead], 0, None));
    }
    organization.put_member(member(5, "BOB@example.com", &[], 0, None));
    assert_eq!(organization.member(" bob@EXAMPLE.com").map(|bob| bob.permissions), Some(Permissions::default()));
    assert_eq!((ids(organization.from_rank(1)), ids(organization.after(3))), (vec![5, 9], vec![5, 9]));
    let removed = organization.remove_member("AMY@example.COM").expect("the case of an address does not matter");
    assert_eq!((removed.email.as_ref(), organization.len()), ("Amy@Example.com", 2));
    assert_eq!(organization.remove_member("amy@example.com"), None);
}

#[test]
fn a_decision_names_the_first_thing_that_is_missing() {
    let mut organization = organization();
    organization.put_member(member(1, "amy@example.com", &[OrgPermission::CanRead], 10, Some(20)));
    let decide = |email, permission, at_ms| organization.decide(email, permission, Moment::of_ms(at_ms));
    let read = |at_ms| decide("amy@example.com", OrgPermission::CanRead, at_ms);
    assert_eq!(decide("bob@example.com", OrgPermission::CanRead, 15).reason, OrgReason::NotAMember);
    assert_eq!((read(9).reason, read(9).expires_at), (OrgReason::Scheduled, Some(Moment::of_ms(10))));
    assert_eq!((read(10).reason, read(10).expires_at), (OrgReason::Member, Some(Moment::of_ms(20))));
    assert_eq!(decide("amy@example.com", OrgPermission::CanUseApi, 19).reason, OrgReason::PermissionMissing);
    assert_eq!((read(20).reason, read(20).expires_at), (OrgReason::Expired, None));
}

#[test]
fn keys_are_told_by_member() {
    let mut organization = organization();
    let (amy, bob) = (MemberId::FIRST, 2.try_into().expect("2 is an id"));
    let key = |id: u64| KeyId::try_from(id).expect("the test's ids are ids");
    for (member, id) in [(amy, 2), (bob, 1), (amy, 1_000), (bob, 3)] {
        organization.note_key(member, key(id));
    }
    organization.forget_key(bob, key(3));
    assert_eq!(organization.keys_of(amy).collect::<Vec<_>>(), [key(2), key(1_000)]);
    assert_eq!(organization.keys_of(bob).collect::<Vec<_>>(), [key(1)]);
    assert_eq!(organization.keys().count(), 3);
}

fn any_permissions() -> impl Strategy<Value = Vec<OrgPermission>> {
    prop::sample::subsequence(OrgPermission::ALL.to_vec(), 0..=4)
}

proptest! {
    #[test]
    fn a_window_holds_from_its_start_until_just_before_its_end(
        start in 0..50_u64, length in prop::option::of(1..50_u64), at in 0..150_u64, permissions in any_permissions(),
    ) {
        let mut organization = organization();
        let end = length.map(|length| start + length);
        let amy = member(1, "amy@example.com", &permissions, start, end);
        organization.put_member(amy.clone());
        let within = start <= at && end.is_none_or(|end| at < end);
        prop_assert_eq!(amy.status(Moment::of_ms(at)) == Status::Active, within);
        for permission in OrgPermission::ALL {
            let decision = organization.decide("amy@example.com", permission, Moment::of_ms(at));
            prop_assert_eq!(decision.reason.allows(), within && permissions.contains(&permission));
            for later in (at..200).map(Moment::of_ms) {
                let reason = organization.decide("amy@example.com", permission, later).reason;
                match decision.expires_at {
                    Some(expires_at) if later == expires_at => prop_assert_ne!(reason, decision.reason),
                    Some(expires_at) if later > expires_at => {}
                    _ => prop_assert_eq!(reason.allows(), decision.reason.allows()),
                }
            }
        }
    }

    #[test]
    fn an_organisation_that_refuses_to_lose_its_last_holder_always_has_one(
        steps in prop::collection::vec(
            (0..4_usize, prop::option::of((any_permissions(), 0..20_u64, prop::option::of(1..20_u64))), 0..3_u64),
            1..100,
        ),
    ) {
        let mut organization = organization();
        let mut model: BTreeMap<usize, Member> = BTreeMap::new();
        let (mut at_ms, mut last_id, mut held) = (0, 0, false);
        for (who, change, passed) in steps {
            at_ms += passed;
            let (at, email) = (Moment::of_ms(at_ms), format!("{who}@example.com"));
            let after = change.map(|(permissions, start, length)| {
                let id = model.get(&who).map_or(last_id + 1, |standing| standing.member_id.get().into());
                member(id, &email, &permissions, start, length.map(|length| start + length))
            });
            let holders = |of: &BTreeMap<usize, Member>| of.values().any(|member| member.is_lasting_holder(at));
            let mut changed = model.clone();
            match &after {
                Some(member) => drop(changed.insert(who, member.clone())),
                None => drop(changed.remove(&who)),
            }
            let refused = organization.loses_last_holder(&email, after.as_ref(), at);
            prop_assert_eq!(refused, holders(&model) && !holders(&changed));
            if !refused {
                match after {
                    Some(member) => {
                        last_id = last_id.max(member.member_id.get().into());
                        organization.put_member(member);
                    }
                    None => prop_assert_eq!(organization.remove_member(&email), model.get(&who).cloned()),
                }
                model = changed;
            }
            held |= holders(&model);
            prop_assert_eq!(holders(&model), held);
            let mut standing: Vec<Member> = model.values().cloned().collect();
            standing.sort_by_key(|member| member.member_id);
            prop_assert_eq!(organization.members().cloned().collect::<Vec<_>>(), standing);
        }
    }
}
