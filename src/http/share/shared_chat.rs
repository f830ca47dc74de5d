//! This is where somebody opens a shared chat. What the chat says is not kept here: the answer is whether they may.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::issues::{Issue, Step};
use super::problem::{Failure, Problem, Refusal, ShareInfo};
use super::request::Asked;
use crate::access::Caller;
use crate::http::answer::json;
use crate::state::State;
use crate::state::id::UserId;
use crate::state::password::PasswordHash;
use crate::state::share::{Share, ShareReason};
use crate::wire::error::{Code, Error};

/// A chat that somebody may open.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OpenedChat")]
pub struct Opened {
    chat_messages: [(); 0],
    share_info: ShareInfo,
}

/// What one look at a share says: all of it was true at one moment.
struct Look {
    info: ShareInfo,
    reason: ShareReason,
    /// What a password is checked against, where one is asked for.
    password: Option<PasswordHash>,
}

/// `GET /api/shared/chats/{uuid}`
pub async fn open(asked: Asked) -> Result<Response, Problem> {
    let uuid = uuid(asked.parameter("uuid"))
        .ok_or_else(|| Refusal::invalid_path(vec![Issue::no_uuid(vec![Step::Name("uuid")])]))?;
    let user = match asked.visitor.caller {
        Caller::User(user_id) => Some(user_id),
        _ => None,
    };
    let mut look = look(&asked.shared.state, &uuid, user, None).ok_or_else(not_found)?;
    if look.reason == ShareReason::PasswordRequired {
        look = unlock(&asked, &uuid, user, look).await?;
    }
    let Look { info, reason, .. } = look;
    match reason {
        ShareReason::Owner | ShareReason::Whitelisted | ShareReason::Public => {
            Ok(json(StatusCode::OK, &Opened { chat_messages: [], share_info: info }))
        }
        ShareReason::NotShared => Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found (share not found)")
            .saying("The share is not active.")
            .with_share_info(info)
            .into()),
        ShareReason::PasswordRequired => {
            Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized (incorrect credentials)")
                .saying("You are not authorized to view this chat.")
                .with_share_info(info)
                .into())
        }
        // Somebody who signs in may turn out to be listed, or the owner.
        ShareReason::NotWhitelisted | ShareReason::Protected if user.is_none() => {
            Err(asked.fails(Failure::unauthorized))
        }
        ShareReason::NotWhitelisted | ShareReason::Protected => {
            Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden (not on whitelist)")
                .saying("You are not on the whitelist.")
                .with_share_info(info)
                .into())
        }
    }
}

fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "Not Found (share not found)")
        .saying("The share does not exist.")
        .with_share_info(ShareInfo::default())
}

/// Looks at a share, for somebody who has shown that they know what was hashed to `proven`.
fn look(state: &State, uuid: &Uuid, user: Option<UserId>, proven: Option<&PasswordHash>) -> Option<Look> {
    let share = state.share(state.share_by_uuid(uuid)?)?;
    let password = share.settings.password.as_ref();
    let decision = match proven {
        Some(_) if password == proven => share.decide_unlocked(user),
        _ => share.decide(user),
    };
    Some(Look { info: info(&share), reason: decision.reason, password: password.cloned() })
}

/// Looks again, once the password that was sent is found to be right. It may be another one by then; the right one is that of the
/// second look.
async fn unlock(asked: &Asked, uuid: &Uuid, user: Option<UserId>, first: Look) -> Result<Look, Problem> {
    let (Some(sent), Some(hash)) = (password(&asked.headers), first.password.clone()) else { return Ok(first) };
    let shared = &asked.shared;
    shared.admit_guess(asked.visitor.origin(), &format!("share {uuid}")).map_err(|error| asked.refused(error))?;
    let verified = shared.passwords.work(move || hash.verifies(&sent).then_some(hash)).await;
    let proven = verified.map_err(|error| asked.refused(Error::new(Code::SlowDown, error.to_string())))?;
    // Who was signed in when the password was sent may not be any more.
    asked.visitor.still_stands(shared).map_err(|error| asked.refused(error))?;
    look(&shared.state, uuid, user, proven.as_ref()).ok_or_else(|| not_found().into())
}

fn info(share: &Share) -> ShareInfo {
    let settings = &share.settings;
    ShareInfo {
        share_exists: true,
        share_is_active: settings.is_shared,
        share_is_private: settings.is_protected,
        share_has_password: settings.is_protected && settings.password.is_some(),
        share_has_whitelist: settings.use_whitelist,
    }
}

/// A uuid in its usual form; the crate would read others too.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// The password of `Authorization: Basic …`, where the name before it is empty. All after the first colon is the password.
fn password(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let credentials =
        BASE64_STANDARD.decode(credentials.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (name, password) = std::str::from_utf8(&credentials).ok()?.split_once(':')?;
    name.is_empty().then(|| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Writer;
    use crate::state::account::{Chat, User};
    use crate::state::moment::Moment;
    use crate::state::password::SALT_BYTES;
    use crate::state::share::ShareSettings;

    /// A share of user 1 that takes a password, and its writer.
    fn share() -> (Writer, ShareSettings) {
        let (now, user_id) = (Moment::of_ms(5), 1.try_into().expect("1 is an id"));
        let chat_id = 123.try_into().expect("123 is an id");
        let settings = ShareSettings {
            share_id: 456.try_into().expect("456 is an id"),
            share_uuid: Uuid::from_u128(7),
            chat_id,
            user_id,
            is_shared: true,
            is_protected: true,
            use_whitelist: false,
            password: Some(PasswordHash::of("Share-pass-3!", &[1; SALT_BYTES])),
            created_at: now,
            updated_at: now,
        };
        let mut writer = Writer::default();
        writer.put_user(User::new(user_id, "owner@example.com".into(), now));
        writer.put_chat(Chat { chat_id, user_id, name: "".into(), created_at: now, updated_at: now });
        writer.put_share(Share::new(settings.clone()));
        (writer, settings)
    }

    fn reason(writer: &Writer, settings: &ShareSettings, proven: Option<&PasswordHash>) -> ShareReason {
        look(writer.state(), &settings.share_uuid, None, proven).expect("the share is there").reason
    }

    #[test]
    fn a_password_counts_only_while_it_is_the_shares() {
        let (mut writer, settings) = share();
        let proven = settings.password.clone();
        assert_eq!(reason(&writer, &settings, None), ShareReason::PasswordRequired);
        assert_eq!(reason(&writer, &settings, proven.as_ref()), ShareReason::Public);
        let change = |writer: &mut Writer, change: fn(&mut ShareSettings)| {
            let mut share = writer.share_mut(settings.share_id).expect("the share is there");
            let mut settings = share.settings.clone();
            change(&mut settings);
            share.set(settings);
        };
        // Set anew, even to the same: its hash is another one.
        change(&mut writer, |settings| settings.password = Some(PasswordHash::of("Share-pass-3!", &[2; SALT_BYTES])));
        assert_eq!(reason(&writer, &settings, proven.as_ref()), ShareReason::PasswordRequired);
        change(&mut writer, |settings| settings.password = None);
        assert_eq!(reason(&writer, &settings, proven.as_ref()), ShareReason::Protected);
        change(&mut writer, |settings| settings.is_shared = false);
        assert_eq!(reason(&writer, &settings, proven.as_ref()), ShareReason::NotShared);
    }

    #[test]
    fn all_after_the_first_colon_is_the_password() {
        let sent = |credentials: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, credentials.parse().expect("it is a header's value"));
            password(&headers)
        };
        let basic = |text: &str| sent(&format!("Basic {}", BASE64_STANDARD.encode(text)));
        assert_eq!(basic(":a:b ").as_deref(), Some("a:b "));
        assert_eq!(basic(":").as_deref(), Some(""));
        assert_eq!(sent("basic Ong=").as_deref(), Some("x"));
        assert_eq!(
            (basic("x"), basic("amy:x"), sent("Bearer Ong="), sent("Basic"), sent("Basic \"")),
            Default::default()
        );
    }
}
