//! This is where users get on and off the list of those who may open a share.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::bodies::emails;
use super::problem::{Problem, Refusal};
use super::request::{Asked, INVALID_BODY, Place, json};
use crate::methods::{AddToShareWhitelist, GetShareWhitelist, RemoveFromShareWhitelist};
use crate::wire::error::{Code, Error};

/// `POST …/whitelist-entries`
pub async fn add(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let emails = emails_of(&asked, body).await?;
    let fields = json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id, "emails": emails});
    let reply = asked.change::<AddToShareWhitelist>(fields).await;
    reply.map(|entries| json(StatusCode::OK, &entries)).map_err(|error| asked.refused(error))
}

/// `GET …/whitelist-entries`, by pages.
pub async fn list(asked: Asked) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let mut fields = asked.page();
    fields.insert("user_id".to_owned(), user_id.get().into());
    fields.insert("chat_id".to_owned(), chat_id.get().into());
    fields.insert("share_id".to_owned(), share_id.get().into());
    let page = asked.query::<GetShareWhitelist>(Value::Object(fields));
    page.map(|page| json(StatusCode::OK, &page)).map_err(|error| asked.refused(error))
}

/// `DELETE …/whitelist-entries`: those whom the body names by their email addresses.
pub async fn remove(asked: Asked, body: Body) -> Result<Response, Problem> {
    let Place { user_id, chat_id, share_id } = asked.share()?;
    let emails = emails_of(&asked, body).await?;
    let fields = json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id, "emails": emails});
    let removed = asked.change::<RemoveFromShareWhitelist>(fields).await;
    removed.map(|entries| json(StatusCode::OK, &entries)).map_err(|error| asked.refused(error))
}

/// `DELETE …/whitelist-entries/{entry_id}`
pub async fn remove_entry(asked: Asked) -> Result<Response, Problem> {
    let (Place { user_id, chat_id, share_id }, entry_id) = asked.entry()?;
    let fields = json!({"user_id": user_id, "chat_id": chat_id, "share_id": share_id, "entry_ids": [entry_id]});
    match asked.change::<RemoveFromShareWhitelist>(fields).await {
        Ok(entries) if entries.share_whitelist_entries.is_empty() => {
            Err(asked.refused(Error::new(Code::NotFound, "there is no such entry")))
        }
        Ok(entries) => Ok(json(StatusCode::OK, &entries)),
        Err(error) => Err(asked.refused(error)),
    }
}

async fn emails_of(asked: &Asked, body: Body) -> Result<Vec<Box<str>>, Problem> {
    let body = asked.read(body).await?;
    emails(body.as_ref()).map_err(|issues| Refusal::invalid(INVALID_BODY, issues).into())
}
