//! This is where a connection says who it is: its first frame is `TOKEN_AUTH`, in time, with a token that is known.

use std::net::IpAddr;

use futures::{SinkExt, StreamExt};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{End, end_of};
use crate::access::{Identity, UNKNOWN};
use crate::counts::Asked;
use crate::hub::Seat;
use crate::shared::Shared;
use crate::state::moment::Moment;
use crate::state::token::{Secret, TokenHash};
use crate::wire::close::Close;
use crate::wire::envelope::{self, Reference};
use crate::wire::error::{Code, Error};
use crate::wire::frame::{Called, Welcome, refusal};

/// The first frame of a connection: it says who is there.
#[derive(Deserialize, JsonSchema)]
pub struct TokenAuth {
    /// A bot's token, the token of a user's session, or an api key.
    token: Secret,
}

/// Who a client is before it has said anything, such as by a cookie.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The token that lets it in.
    pub token: TokenHash,
    /// When it has to come in again.
    pub ends_at: Moment,
}

impl Known {
    async fn admit(self, shared: &Shared, seat: &mut Seat, address: IpAddr) -> Admitted {
        let admitted = enter(shared, seat, self.token, address, &Reference::default()).await;
        let (identity, welcome) = admitted.map_err(Refused::new)?;
        Ok((Identity { expires_at: Some(self.ends_at), ..identity }, welcome))
    }
}

/// Lets a client in that is known, or waits for the first frame; and answers.
pub async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    shared: &Shared,
    seat: &mut Seat,
    address: IpAddr,
    known: Option<Known>,
) -> Result<Identity, End> {
    let admitted = match known {
        Some(known) => known.admit(shared, seat, address).await,
        None => asked(socket, shared, seat, address).await?,
    };
    let (frame, outcome) = match admitted {
        Ok((identity, welcome)) => {
            shared.counts.requests.add(Asked::TokenAuth);
            (welcome, Ok(identity))
        }
        Err(refused) => {
            shared.counts.requests.add_refused(Asked::TokenAuth, refused.error.code);
            let close = match refused.error.code {
                Code::SlowDown if refused.error.retry_after_ms.is_some() => Close::Held,
                Code::SlowDown => Close::Crowded,
                Code::NotWritable => Close::CutOff,
                _ => Close::NotAuthenticated,
            };
            let Refused { error, request, reference } = &*refused;
            (refusal(error, request.as_deref(), reference, Called::error(shared.error_method)), Err(End::Close(close)))
        }
    };
    match timeout(shared.limits.write_wait, socket.send(Message::Text(frame))).await {
        Ok(Ok(())) => outcome,
        _ => Err(End::Gone),
    }
}

/// What the first frame comes to, if one comes in time.
async fn asked<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    shared: &Shared,
    seat: &mut Seat,
    address: IpAddr,
) -> Result<Admitted, End> {
    let waited = tokio::select! {
        biased;
        close = &mut seat.closing => return Err(End::Close(close.unwrap_or(Close::Stopping))),
        first = timeout(shared.limits.auth_wait, first_message(socket)) => first,
    };
    Ok(match waited {
        Ok(Ok(Message::Text(text))) => admit(&text, shared, seat, address).await,
        Ok(Ok(_)) => Err(Refused::new(unauthenticated("the first frame must be TOKEN_AUTH, as text"))),
        Ok(Err(end)) => return Err(end),
        Err(_) => {
            let seconds = shared.limits.auth_wait.as_secs_f32();
            let message = format!("no TOKEN_AUTH came within {seconds} s; connect again and send it first");
            Err(Refused::new(unauthenticated(message)))
        }
    })
}

async fn first_message<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> Result<Message, End> {
    loop {
        match socket.next().await {
            // A close is answered, and ends the stream, when what comes next is asked for.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => {}
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return Ok(message),
            end => return Err(end_of(end)),
        }
    }
}

/// Who it is and the welcome, or why not.
type Admitted = Result<(Identity, Utf8Bytes), Box<Refused>>;

/// Why a first frame was refused, and what the refusal echoes of it.
struct Refused {
    error: Error,
    request: Option<String>,
    reference: Reference,
}

impl Refused {
    fn new(error: Error) -> Box<Self> {
        Box::new(Self { error, request: None, reference: Reference::default() })
    }
}

/// Who it is, and the welcome.
async fn admit(text: &Utf8Bytes, shared: &Shared, seat: &mut Seat, address: IpAddr) -> Admitted {
    let envelope =
        envelope::open(text).map_err(|(error, reference)| Box::new(Refused { error, request: None, reference }))?;
    let reference = envelope.reference;
    let refused = |error| {
        let request = Some(envelope.method.clone().into_owned());
        Box::new(Refused { error, request, reference: reference.clone() })
    };
    if envelope.method != "TOKEN_AUTH" {
        return Err(refused(unauthenticated("the first frame must be TOKEN_AUTH; connect again and send it first")));
    }
    let auth: TokenAuth = envelope::fields(text).map_err(refused)?;
    // A hash is not the token: whoever read the journal is not let in.
    let Secret::Clear(token) = auth.token else {
        return Err(refused(Error::field("token", "must be a token, as a string")));
    };
    enter(shared, seat, TokenHash::of(&token), address, &reference).await.map_err(refused)
}

/// Lets whoever has a token in, if it is known and not too many have it.
async fn enter(
    shared: &Shared,
    seat: &mut Seat,
    token: TokenHash,
    address: IpAddr,
    reference: &Reference,
) -> Result<(Identity, Utf8Bytes), Error> {
    // Seated first: a token revoked before the look-up is not found, and one revoked after it finds its seat.
    seat.occupy(token);
    shared.look_for(&token, address).await?;
    // A token may have been revoked that this gateway would let in.
    shared.refuse_if_stale()?;
    let date = shared.clock.now_ms();
    let identity = shared.identify(&token, address, UNKNOWN)?;
    let max = shared.limits.connections_per_token_max;
    let Some(place) = shared.tokens.enter(token, max) else {
        let message =
            format!("{max} connections are signed in with this token, as many as there may be; close one of them");
        return Err(Error::new(Code::SlowDown, message));
    };
    seat.place = Some(place);
    seat.introduce(identity.caller);
    let (id, name) = identity.caller.introduced(&shared.state);
    let local_id = shared.hub.last_reference(identity.caller);
    let welcome = Welcome { id, name: &name, date, local_id, bound_app: identity.bound_app };
    Ok((identity, welcome.frame(reference)))
}

fn unauthenticated(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::NotAuthenticated, message)
}
