//! This is where a connection says who it is: its first frame is `TOKEN_AUTH`, in time, with a token that is known.

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{End, end_of};
use crate::engine::now_ms;
use crate::hub::Seat;
use crate::shared::Shared;
use crate::state::id::{AppId, BotId};
use crate::state::token::TokenHash;
use crate::wire::close::Close;
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame::{Welcome, refusal};

/// Who signed in.
pub struct Guest {
    /// The bot.
    pub bot: BotId,
    /// The app its token is bound to.
    pub bound_app: Option<AppId>,
}

#[derive(Deserialize)]
struct TokenAuth {
    token: String,
}

/// Waits for the first frame and answers it.
pub async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    shared: &Shared,
    seat: &mut Seat,
) -> Result<Guest, End> {
    let waited = tokio::select! {
        biased;
        close = &mut seat.closing => return Err(End::Close(close.unwrap_or(Close::Stopping))),
        first = timeout(shared.limits.auth_wait, first_message(socket)) => first,
    };
    let admitted = match waited {
        Ok(Ok(Message::Text(text))) => admit(&text, shared, seat),
        Ok(Ok(_)) => Err((unauthenticated("the first frame must be TOKEN_AUTH, as text"), Reference::default())),
        Ok(Err(end)) => return Err(end),
        Err(_) => {
            let seconds = shared.limits.auth_wait.as_secs_f32();
            let message = format!("no TOKEN_AUTH came within {seconds} s; connect again and send it first");
            Err((unauthenticated(message), Reference::default()))
        }
    };
    let (frame, outcome) = match admitted {
        Ok((guest, welcome)) => (welcome, Ok(guest)),
        Err((error, reference)) => (
            refusal(&error, Some("TOKEN_AUTH"), &reference, shared.error_method),
            Err(End::Close(Close::NotAuthenticated)),
        ),
    };
    match timeout(shared.limits.write_wait, socket.send(Message::Text(frame))).await {
        Ok(Ok(())) => outcome,
        _ => Err(End::Gone),
    }
}

async fn first_message<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> Result<Message, End> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return Ok(message),
            end => return Err(end_of(end)),
        }
    }
}

/// The guest and the welcome, or the refusal and what it echoes.
fn admit(text: &Utf8Bytes, shared: &Shared, seat: &Seat) -> Result<(Guest, Utf8Bytes), (Error, Reference)> {
    let envelope = envelope::open(text)?;
    let reference = envelope.reference;
    if envelope.method != "TOKEN_AUTH" {
        return Err((
            unauthenticated("the first frame must be TOKEN_AUTH; connect again and send it first"),
            reference,
        ));
    }
    let auth: TokenAuth = envelope::fields(text).map_err(|error| (error, reference.clone()))?;
    let token = TokenHash::of(&auth.token);
    let known = shared.state.bot_of_token(&token).filter(|bot| {
        seat.occupy(*bot);
        // Asked again once seated: a token revoked between the two would find nobody to close.
        shared.state.bot_of_token(&token).is_some()
    });
    let bot = known.and_then(|bot| shared.state.bot(bot));
    let Some(bot) = bot else {
        return Err((unauthenticated("the token is not known; ask an administrator for a new one"), reference));
    };
    let welcome = Welcome {
        bot_id: bot.bot_id,
        name: &bot.name,
        date: now_ms(),
        local_id: shared.hub.last_reference(bot.bot_id),
        bound_app: bot.bound_app_id,
    };
    let guest = Guest { bot: bot.bot_id, bound_app: bot.bound_app_id };
    Ok((guest, welcome.frame(&reference)))
}

fn unauthenticated(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::NotAuthenticated, message)
}
