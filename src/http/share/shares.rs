//! This is where a chat is shared, and how it is shared is changed.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::bodies::{self, ShareBody};
use super::problem::{Problem, Refusal};
use super::request::{Asked, Place};
use crate::http::answer::json;
use crate::methods::{GetShares, Method, RemoveShare, SetShare};
use crate::state::id::{ChatId, ShareId};
use crate::state::moment::Moment;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShareAnswer")]
pub struct Made {
    share: Share,
}

/// A share, as the share API shows it to its owner.
#[derive(Debug, Serialize, JsonSchema)]
struct Share {
    id: ShareId,
    is_shared: bool,
    share_uuid: Uuid,
    is_protected: bool,
    /// Always null: the share API would give back what was stored.
    hashed_password: (),
    created_at: Moment,
    updated_at: Moment,
    chat_conversation_id: ChatId,
}

/// How a chat is shared, in short.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ShareSummary")]
pub struct Summary {
    uuid: Uuid,
    id: ShareId,
    is_shared: bool,
    is_protected: bool,
}

impl Made {
    fn new(record: <SetShare as Method>::Reply) -> Self {
        let share = Share {
            id: record.share_id,
            is_shared: record.is_shared,
            share_uuid: record.share_uuid,
            is_protected: record.is_protected,
            hashed_password: (),
            created_at: record.created_at,
            updated_at: record.updated_at,
            chat_conversation_id: record.chat_id,
        };
        Self { share }
    }
}

/// `GET …/shares`: null where the chat is not shared.
pub async fn of_chat(asked: Asked) -> Result<Response, Problem> {
    let (user_id, chat_id) = asked.chat()?;
    let reply = asked.query::<GetShares>(json!({"user_id": user_id, "chat_id": chat_id}))?;
    let summary = reply.shares.first().map(|share| Summary {
        uuid: share.share_uuid,
        id: share.share_id,
        is_shared: share.is_shared,
        is_protected: share.is_protected,
    });
    Ok(json(StatusCode::OK, &summary))
}

/// `POST …/shares`: with email addresses, the share and its list are made in one change.
pub async fn create(asked: Asked, body: Body) -> Result<Response, Problem> {
    let (user_id, chat_id) = asked.chat()?;
    let mut fields = settings(&asked, body).await?;
    fields.insert("create_only".to_owned(), true.into());
    set(&asked, json!({"user_id": user_id, "chat_id": chat_id}), fields).await
}

/// `PATCH …/shares/{share_id}`: what is not given stays as it is.
pub async fn change(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let fields = settings(&asked, body).await?;
    set(&asked, json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id}), fields).await
}

/// `DELETE …/shares/{share_id}`
pub async fn remove(asked: Asked) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    asked.change::<RemoveShare>(json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id})).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn set(asked: &Asked, place: Value, mut fields: Map<String, Value>) -> Result<Response, Problem> {
    fields.extend(place.as_object().cloned().unwrap_or_default());
    let record = asked.change::<SetShare>(Value::Object(fields)).await?;
    Ok(json(StatusCode::OK, &Made::new(record)))
}

/// What the body says of the share, as fields of `setShare`.
async fn settings(asked: &Asked, body: Body) -> Result<Map<String, Value>, Problem> {
    let body = asked.read(body).await?;
    let ShareBody { is_shared, is_protected, password, emails, use_whitelist } =
        bodies::share(body.as_ref()).map_err(Refusal::invalid_body)?;
    let given = [
        ("is_shared", is_shared.map(Value::from)),
        ("is_protected", is_protected.map(Value::from)),
        ("password", password.map(Value::from)),
        ("emails", emails.map(|emails| json!(emails))),
        ("use_whitelist", use_whitelist.map(Value::from)),
    ];
    Ok(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
