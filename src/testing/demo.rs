//! The demo data: who and what every gateway that is started for tests knows, and `guestlist serve --demo` too.

/// The app, for which the bot keeps the sign-up lists.
pub const APP: &str = "90090684293000559";
/// The token of the bot that may change all lists.
pub const BOT: &str = "90091784056528980:0:DemoBotTokenForLocalUseOnly001";
/// The token of a bot of the same app that may change nothing.
pub const BARE_BOT: &str = "90091784056528981:0:DemoBotWithoutAnyPermission001";
/// The administrator's token.
pub const ADMIN: &str = "demo-admin-token";

/// The email address of user 1, who owns the chat and its share.
pub const OWNER: &str = "owner@example.com";
/// The owner's password.
pub const OWNER_PASSWORD: &str = "Demo-pass-1!";
/// The email address of user 2, who has no password.
pub const AMY: &str = "amy@example.com";
/// The email address of user 3, who has no password.
pub const BOB: &str = "bob@example.com";
/// The share's public id, by which it is opened.
pub const SHARE_UUID: &str = "550e8400-e29b-41d4-a716-446655440000";
/// The path of the share: number 456, of chat 123, of user 1.
pub const SHARE: &str = "/api/users/1/chats/123/shares/456";

/// The organisation.
pub const ORG: &str = "acme";
/// The api key of the organisation's administrator.
pub const ORG_KEY: &str = "demo-org-key";

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: &str = include_str!("../../fixtures/demo.jsonl");

    #[test]
    fn every_constant_stands_in_the_demo_data() {
        for text in [APP, BOT, BARE_BOT, ADMIN, OWNER, OWNER_PASSWORD, AMY, BOB, SHARE_UUID, ORG, ORG_KEY] {
            assert!(DEMO.contains(&format!("\"{text}\"")), "{text}");
        }
        let mut ids = SHARE.split('/').filter(|part| part.parse::<u32>().is_ok());
        for name in ["user_id", "chat_id", "share_id"] {
            let id = ids.next().expect("the path has three ids");
            assert!(DEMO.contains(&format!("\"{name}\":{id},")), "{name} {id}");
        }
    }
}
