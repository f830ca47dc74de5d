//! This is where a user's chats are listed, made and removed. Their messages are not kept here, nor which model answers them.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::bodies::{chat_ids, chat_name, new_chat_name};
use super::problem::{Problem, Refusal};
use super::request::Asked;
use crate::http::answer::json;
use crate::methods::{GetChats, Method, PageEnd, RemoveChat, SetChat};
use crate::state::id::{ChatId, UserId};
use crate::state::moment::Moment;

/// A chat, as the share API shows it.
#[derive(Debug, Serialize, JsonSchema)]
struct Chat {
    id: ChatId,
    neptun_user_id: UserId,
    name: Box<str>,
    created_at: Moment,
    updated_at: Moment,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChatAnswer")]
pub struct One {
    chat: Chat,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChatPage")]
pub struct Listed {
    chats: Vec<Chat>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Chat {
    fn new(chat: <SetChat as Method>::Reply) -> Self {
        Self {
            id: chat.chat_id,
            neptun_user_id: chat.user_id,
            name: chat.name,
            created_at: chat.created_at,
            updated_at: chat.updated_at,
        }
    }
}

/// `GET …/chats`
pub async fn list(asked: Asked) -> Result<Response, Problem> {
    let user_id = asked.user()?;
    let mut fields = asked.page();
    fields.insert("user_id".to_owned(), user_id.get().into());
    let reply = asked.query::<GetChats>(Value::Object(fields))?;
    let chats = reply.chats.into_iter().map(Chat::new).collect();
    Ok(json(StatusCode::OK, &Listed { chats, end: reply.end }))
}

/// `POST …/chats`
pub async fn create(asked: Asked, body: Body) -> Result<Response, Problem> {
    let user_id = asked.user()?;
    let body = asked.read(body).await?;
    let name = chat_name(body.as_ref()).map_err(Refusal::invalid_body)?;
    let reply = asked.change::<SetChat>(json!({"user_id": user_id, "name": name})).await?;
    Ok(json(StatusCode::OK, &One { chat: Chat::new(reply) }))
}

/// `PATCH …/chats/{chat_id}`
pub async fn rename(asked: Asked, body: Body) -> Result<Response, Problem> {
    let (user_id, chat_id) = asked.chat()?;
    let body = asked.read(body).await?;
    let name = new_chat_name(body.as_ref()).map_err(Refusal::invalid_body)?;
    let reply = asked.change::<SetChat>(json!({"user_id": user_id, "chat_id": chat_id, "name": name})).await?;
    Ok(json(StatusCode::OK, &One { chat: Chat::new(reply) }))
}

/// `DELETE …/chats/{chat_id}`
pub async fn remove_one(asked: Asked) -> Result<Response, Problem> {
    let (user_id, chat_id) = asked.chat()?;
    asked.change::<RemoveChat>(json!({"user_id": user_id, "chat_ids": [chat_id]})).await?;
    Ok(json(StatusCode::OK, &true))
}

/// `DELETE …/chats`: those that are the user's own go, with their shares.
pub async fn remove(asked: Asked, body: Body) -> Result<Response, Problem> {
    let user_id = asked.user()?;
    let body = asked.read(body).await?;
    let chat_ids: Vec<ChatId> = chat_ids(body.as_ref()).map_err(Refusal::invalid_body)?;
    asked.change::<RemoveChat>(json!({"user_id": user_id, "chat_ids": chat_ids})).await?;
    Ok(json(StatusCode::OK, &true))
}
