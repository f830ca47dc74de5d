//! This is where it is told who is connected, and where connections are ended.

use std::net::IpAddr;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::list::second_half;
use super::page::{PageEnd, number_cursor, page_size, size_field};
use super::{Attend, Call, Here, Method, Noun};
use crate::access::{Caller, Permission};
use crate::hub::{Occupant, Told};
use crate::schema::leaf::also;
use crate::state::State;
use crate::state::id::{BotId, RecordId};
use crate::state::moment::Moment;
use crate::wire::error::Error;
use crate::wire::fields::{Count, Text};
use crate::wire::frame::Reply;

/// Lists the connections that are open, in the order in which they came.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = size_field)]
pub struct GetConnections {
    page_size: Option<Count>,
    /// Where to go on: the `cursor` of the answer before.
    #[schemars(extend("pattern" = "^[0-9]{0,20}$"))]
    cursor: Option<Text>,
}

/// Ends connections. Their clients may come again, for their tokens stay what they are.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(transform = one_of_both)]
pub struct CloseConnection {
    /// The one to end, as `getConnections` has it.
    connection_id: Option<Count>,
    /// The bot all of whose connections are to end, where no connection is named.
    account_id: Option<BotId>,
}

/// Says in the schema that just one of the fields is given.
fn one_of_both(schema: &mut Schema) {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"type": ["string", "integer"]}}});
    also(schema, json!({"oneOf": [given("connection_id"), given("account_id")]}));
}

/// A page of the connections.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Connections {
    connections: Vec<Connection>,
    #[serde(flatten)]
    end: PageEnd,
}

/// A connection.
#[derive(Debug, Serialize, JsonSchema)]
struct Connection {
    connection_id: u64,
    /// Who is there: `bot`, `user`, `api_key`, or `signing_in` for one who has not said it yet.
    kind: &'static str,
    /// The id of the bot, the user or the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<RecordId>,
    /// Their name; a user's is the email address.
    name: String,
    #[schemars(with = "Box<str>")]
    address: IpAddr,
    since: Moment,
    /// Whether it is the one over which this is asked.
    is_own: bool,
}

/// How many connections are being ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Closed {
    closed: usize,
}

impl Reply for Connections {
    fn split_off(&mut self) -> Option<Self> {
        Some(Self { connections: second_half(&mut self.connections)?, end: self.end.hand_on() })
    }
}

impl Reply for Closed {}

impl Connection {
    fn new(Told { id, occupant, source }: Told, own: u64, state: &State) -> Self {
        let caller = match occupant {
            Occupant::Caller(caller) => Some(caller.introduced(state)),
            Occupant::Stranger | Occupant::Request => None,
        };
        let (account_id, name) = caller.map(|(id, name)| (RecordId(id), name)).unzip();
        Self {
            connection_id: id,
            kind: occupant.kind(),
            account_id,
            name: name.unwrap_or_default(),
            address: source.address,
            since: Moment::of_ms(source.since_ms),
            is_own: id == own,
        }
    }
}

impl Method for GetConnections {
    const CALL: Call = Call::new("getConnections", "getConnectionsResponse", "lists who is connected, and since when");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Traffic;
    type Reply = Connections;

    fn validate(&mut self) -> Result<(), Error> {
        number_cursor(self.cursor.as_ref()).and_then(|_| page_size(self.page_size)).map(|_| ())
    }
}

impl Attend for GetConnections {
    fn attend(&self, here: Here<'_>) -> Result<Connections, Error> {
        let size = page_size(self.page_size)?;
        let mut told = here.hub.connections(number_cursor(self.cursor.as_ref())?, size + 1);
        let goes_on = told.len() > size;
        told.truncate(size);
        let cursor = told.last().filter(|_| goes_on).map(|last| last.id.to_string().into());
        let connections = told.into_iter().map(|told| Connection::new(told, here.connection, here.view.state));
        Ok(Connections { connections: connections.collect(), end: PageEnd::of_walk(cursor) })
    }
}

impl Method for CloseConnection {
    const CALL: Call = Call::new("closeConnection", "closeConnection_ack", "ends a connection, or all of a bot");
    const NEEDS: Permission = Permission::Admin;
    const NOUN: Noun = Noun::Traffic;
    type Reply = Closed;

    fn validate(&mut self) -> Result<(), Error> {
        match (self.connection_id, self.account_id) {
            (Some(_), Some(_)) => Err(Error::field("account_id", "goes without connection_id; send one of them")),
            (None, None) => Err(Error::field("connection_id", "is missing; name a connection, or a bot by account_id")),
            _ => Ok(()),
        }
    }
}

impl Attend for CloseConnection {
    fn attend(&self, Here { hub, .. }: Here<'_>) -> Result<Closed, Error> {
        let closed = hub.dismiss(|id, occupant| match (self.connection_id, self.account_id) {
            (Some(connection), _) => connection.0 == id,
            (None, Some(bot)) => occupant == Occupant::Caller(Caller::Bot(bot)),
            (None, None) => false,
        });
        Ok(Closed { closed })
    }
}
