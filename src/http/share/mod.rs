//! This is where the share API is answered: its paths, its bodies and its refusals, over the same methods that bots use.
//!
//! Requests are refused in the order that its clients know: who asks (401), the ids of the path (400), whose they are (404), the
//! body (400), and then what the method has to say.

mod auth;
mod bodies;
mod chats;
mod cookie;
mod credentials;
mod elsewhere;
mod forms;
mod issues;
mod numbers;
mod problem;
mod request;
mod shared_chat;
mod shares;
mod whitelist;

use axum::middleware;

use super::routes::{Content, Credential, Operation, Product, Routes};
use crate::methods::{AddToShareWhitelist, GetShareWhitelist, Method};
use problem::Problem;

const CHATS: &str = "/api/users/{user_id}/chats";
const CHAT: &str = "/api/users/{user_id}/chats/{chat_id}";
const SHARES: &str = "/api/users/{user_id}/chats/{chat_id}/shares";
const SHARE: &str = "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}";
const ENTRIES: &str = "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries";
const ENTRY: &str = "/api/users/{user_id}/chats/{chat_id}/shares/{share_id}/whitelist-entries/{entry_id}";

/// Every route of the share API.
pub fn routes() -> Routes {
    sessions()
        .merge(chats())
        .merge(shares())
        .merge(entries())
        .with(|router| router.method_not_allowed_fallback(request::wrong_method))
        .with(|router| router.layer(middleware::from_fn(elsewhere::refuse)))
}

/// Who is signed in.
fn sessions() -> Routes {
    const NEWCOMER: &[(u16, &str)] = &[
        (400, "The body is none, or something is wrong with it."),
        (403, "Somebody is logged in already, or a page of another host sent this."),
        (413, "The body is too large."),
        (429, "There were too many attempts."),
        (503, "The change could not be made durable."),
    ];
    let newcomer = |id: &str, summary: &str| {
        said(id, summary)
            .form(forms::credentials, true)
            .answering(
                200,
                "Who is signed in; the cookie `neptun-session` comes with it.",
                Content::of::<auth::Session>(),
            )
            .refusing(NEWCOMER, Content::of::<Problem>())
    };
    let wrong = (401, "The email address or the password is wrong.");
    let taken = (409, "Another user has this email address.");
    let mine = |id: &str, summary: &str| said(id, summary).by(OWN).or_anybody();
    Routes::default()
        .post(
            "/api/auth/login",
            auth::log_in,
            newcomer("shareLogIn", "Signs a user in").refusing(&[wrong], Content::of::<Problem>()),
        )
        .post(
            "/api/auth/sign-up",
            auth::sign_up,
            newcomer("shareSignUp", "Makes a user known, who is then signed in")
                .refusing(&[taken], Content::of::<Problem>()),
        )
        .post(
            "/api/auth/logout",
            auth::log_out,
            mine("shareLogOut", "Ends a session")
                .answering(200, "Whether there was one to end.", Content::of::<bool>())
                .refusing(&[(403, "A page of another host sent this.")], Content::of::<Problem>())
                .refusing(&[(503, "The change could not be made durable.")], Content::of::<Problem>()),
        )
        .head(
            "/api/auth/check",
            auth::check,
            said("shareCheck", "Says whether somebody is signed in")
                .by(OWN)
                .answering(204, "Somebody is.", Content::Empty)
                .answering(401, "Nobody is.", Content::Empty),
        )
        .get(
            "/api/_auth/session",
            auth::session,
            mine("shareSession", "Says who is signed in").answering(
                200,
                "Who it is; an empty object where nobody is.",
                Content::Json(auth::perhaps_session),
            ),
        )
}

/// A user's chats.
fn chats() -> Routes {
    Routes::default()
        .get(
            CHATS,
            chats::list,
            own("listChats", "Lists the chats of a user").by_pages().answering(
                200,
                "A page.",
                Content::of::<chats::Listed>(),
            ),
        )
        .post(
            CHATS,
            chats::create,
            writing("createChat", "Makes a chat").form(forms::chat, false).answering(
                200,
                "The chat.",
                Content::of::<chats::One>(),
            ),
        )
        .delete(
            CHATS,
            chats::remove,
            writing("removeChats", "Removes chats with their shares").form(forms::chat_ids, true).answering(
                200,
                "They are gone; those of others were passed over.",
                Content::of::<bool>(),
            ),
        )
        .patch(
            CHAT,
            chats::rename,
            writing("renameChat", "Gives a chat another name").form(forms::chat_name, true).answering(
                200,
                "The chat.",
                Content::of::<chats::One>(),
            ),
        )
        .delete(
            CHAT,
            chats::remove_one,
            writing("removeChatOfPath", "Removes a chat with its share").answering(
                200,
                "It is gone.",
                Content::of::<bool>(),
            ),
        )
}

/// How chats are shared, and who opens them.
fn shares() -> Routes {
    const CLOSED: &[(u16, &str)] = &[
        (400, "The uuid is none."),
        (401, "It takes the password, or somebody who is signed in."),
        (403, "The visitor is not on the list."),
        (404, "There is no such share, or it is not active."),
        (429, "There were too many attempts."),
    ];
    Routes::default()
        .get(
            SHARES,
            shares::of_chat,
            own("getShareOfChat", "Says how a chat is shared").answering(
                200,
                "The share; null where there is none.",
                Content::of::<Option<shares::Summary>>(),
            ),
        )
        .post(
            SHARES,
            shares::create,
            writing("createShare", "Shares a chat, with those who may open it where they are given")
                .form(forms::share, true)
                .answering(200, "The share.", Content::of::<shares::Made>()),
        )
        .patch(
            SHARE,
            shares::change,
            writing("changeShare", "Changes how a chat is shared; what is not given stays as it is")
                .form(forms::share, true)
                .answering(200, "The share.", Content::of::<shares::Made>()),
        )
        .delete(
            SHARE,
            shares::remove,
            writing("removeShareOfPath", "Removes a share with its list").answering(204, "It is gone.", Content::Empty),
        )
        .get(
            "/api/shared/chats/{uuid}",
            shared_chat::open,
            said("openSharedChat", "Opens a shared chat, where the visitor may")
                .saying(
                    "The messages of a chat are not kept here; the answer says that it may be read, and what it took.",
                )
                .by(&[Credential::Cookie, Credential::SessionHeader, Credential::Basic])
                .or_anybody()
                .answering(200, "The visitor may.", Content::of::<shared_chat::Opened>())
                .refusing(CLOSED, Content::of::<Problem>()),
        )
}

/// Who may open a share.
fn entries() -> Routes {
    let entries = |operation: Operation, about: &str| {
        operation.answering(200, about, Content::of::<<AddToShareWhitelist as Method>::Reply>())
    };
    Routes::default()
        .get(
            ENTRIES,
            whitelist::list,
            own("listEntries", "Lists who may open a share").by_pages().answering(
                200,
                "A page.",
                Content::of::<<GetShareWhitelist as Method>::Reply>(),
            ),
        )
        .post(
            ENTRIES,
            whitelist::add,
            entries(
                writing("addEntries", "Lets users open a share").form(forms::emails, true),
                "Their entries; addresses of nobody are passed over.",
            ),
        )
        .delete(
            ENTRIES,
            whitelist::remove,
            entries(
                writing("removeEntries", "Takes users off the list").form(forms::emails, true),
                "The entries that are gone.",
            ),
        )
        .delete(
            ENTRY,
            whitelist::remove_entry,
            entries(writing("removeEntry", "Takes an entry off the list"), "The entry that is gone."),
        )
}

/// What the share API's own pages are known by, and other programs.
const OWN: &[Credential] = &[Credential::Cookie, Credential::SessionHeader, Credential::Bearer];

fn said(id: &str, summary: &str) -> Operation {
    Operation::new(Product::Shares, id, summary)
}

/// An operation on what is the caller's own.
fn own(id: &str, summary: &str) -> Operation {
    const REFUSALS: &[(u16, &str)] = &[
        (400, "Something is wrong with the path, the query or the body."),
        (401, "Nobody is signed in."),
        (403, "The caller cannot manage shares."),
        (404, "It does not exist, or is somebody else's."),
        (429, "There were too many requests, or too much work waits."),
    ];
    said(id, summary).by(OWN).refusing(REFUSALS, Content::of::<Problem>())
}

/// The same, where it changes something.
fn writing(id: &str, summary: &str) -> Operation {
    const REFUSALS: &[(u16, &str)] = &[
        (409, "The change contradicts what stands."),
        (413, "The body or the list is too large."),
        (503, "The change could not be made durable."),
    ];
    own(id, summary).refusing(REFUSALS, Content::of::<Problem>())
}
