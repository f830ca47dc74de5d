//! This is where users get on and off the list of those who may open a share.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::bodies::emails;
use super::problem::{Problem, Refusal};
use super::request::{Asked, Place};
use crate::http::answer::json;
use crate::methods::{AddToShareWhitelist, GetShareWhitelist, RemoveFromShareWhitelist};

/// `POST …/whitelist-entries`
pub async fn add(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let emails = emails_of(&asked, body).await?;
    let fields = json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id, "emails": emails});
    Ok(json(StatusCode::OK, &asked.change::<AddToShareWhitelist>(fields).await?))
}

/// `GET …/whitelist-entries`, by pages.
pub async fn list(asked: Asked) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let mut fields = asked.page();
    fields.insert("user_id".to_owned(), user_id.get().into());
    fields.insert("chat_id".to_owned(), chat_id.get().into());
    fields.insert("share_id".to_owned(), share_id.get().into());
    Ok(json(StatusCode::OK, &asked.query::<GetShareWhitelist>(Value::Object(fields))?))
}

/// `DELETE …/whitelist-entries`: those whom the body names by their email addresses.
pub async fn remove(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let emails = emails_of(&asked, body).await?;
    let fields = json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id, "emails": emails});
    Ok(json(StatusCode::OK, &asked.change::<RemoveFromShareWhitelist>(fields).await?))
}

/// `DELETE …/whitelist-entries/{entry_id}`
pub async fn remove_entry(asked: Asked) -> Result<Response, Problem> {
    let (Place { user_id, chat_id, share_id }, entry_id) = asked.entry()?;
    let fields = json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id, "entry_ids": [entry_id]});
    let removed = asked.change::<RemoveFromShareWhitelist>(fields).await?;
    if removed.share_whitelist_entries.is_empty() {
        return Err(Refusal::not_found().into());
    }
    Ok(json(StatusCode::OK, &removed))
}

async fn emails_of(asked: &Asked, body: Body) -> Result<Vec<Box<str>>, Problem> {
    let body = asked.read(body).await?;
    emails(body.as_ref()).map_err(|issues| Refusal::invalid_body(issues).into())
}
