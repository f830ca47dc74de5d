//! This is where a connection says what it wants to hear of. Subscriptions are the connection's: they end with it, and whoever comes
//! again says once more what it wants, and after which change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Attend, Call, Here, Method, Noun};
use crate::access::{About, Caller, Permission, Sender};
use crate::event::{Begun, Kind, Topic};
use crate::state::id::{AppId, BotId, OrgId, UserId};
use crate::wire::error::{Code, Error};
use crate::wire::fields::{Count, Many};
use crate::wire::frame::Reply;

/// Has changes pushed as `eventMessage`, from now on or from after one.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SubscribeToEvent {
    /// The app of `signup`, `pattern` and `app`; where it is left out, the one that the token is bound to.
    app_id: Option<AppId>,
    /// The user of `share`; where it is left out, the one who has signed in.
    user_id: Option<UserId>,
    /// The organisation of `organization`; where it is left out, the one that the caller is of.
    org_id: Option<OrgId>,
    /// The bot that has signed in; no other, for subscriptions are of a connection.
    account_id: Option<BotId>,
    /// What to hear of; `*` is for administrators, and stands for everything.
    events: Option<Many<Kind>>,
    /// The same.
    event: Option<Many<Kind>>,
    /// The `seq` of the last change that the client knows: all since come first, where the journal still has them.
    since_seq: Option<Count>,
}

/// Ends subscriptions; those that there are not are passed over.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UnsubscribeFromEvent {
    /// The app of `signup`, `pattern` and `app`, as it was subscribed to.
    app_id: Option<AppId>,
    /// The user of `share`.
    user_id: Option<UserId>,
    /// The organisation of `organization`.
    org_id: Option<OrgId>,
    /// The bot that has signed in.
    account_id: Option<BotId>,
    /// What not to hear of any more.
    events: Option<Many<Kind>>,
    /// The same.
    event: Option<Many<Kind>>,
}

/// Lists what the connection has subscribed to.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ListEventSubscriptions {
    /// The app about which to list them; where it is left out, all are listed.
    app_id: Option<AppId>,
    /// The bot that has signed in.
    account_id: Option<BotId>,
}

/// What was subscribed to, or is no more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Subscribed {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<OrgId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<BotId>,
    events: Vec<Kind>,
    /// The last change before the subscription began; events have higher numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Whether all changes since `since_seq` come; where not, the lists are to be read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<bool>,
    /// Always true; a refusal has `false` and an `error`.
    ack: bool,
}

/// What a connection has subscribed to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventSubscriptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<BotId>,
    /// Those about the app; where none is named, all.
    events: Vec<Kind>,
    /// All, with what each is about.
    subscriptions: Vec<Standing>,
    ack: bool,
}

/// A subscription.
#[derive(Debug, Serialize, JsonSchema)]
struct Standing {
    event: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<AppId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_id: Option<OrgId>,
}

impl Reply for Subscribed {}
impl Reply for EventSubscriptions {}

/// What events are about.
struct Scope<'a> {
    app_id: Option<AppId>,
    user_id: Option<UserId>,
    org_id: Option<&'a OrgId>,
}

/// Fills in what the sender's token stands for.
fn resolve(
    app_id: &mut Option<AppId>,
    user_id: &mut Option<UserId>,
    org_id: &mut Option<OrgId>,
    sender: Sender<'_>,
) -> About {
    *app_id = [*app_id, sender.bound_app].into_iter().flatten().find(|app| app.0 != 0);
    if let Caller::User(id) = sender.view.caller {
        user_id.get_or_insert(id);
    }
    *org_id = org_id.take().or_else(|| sender.organization());
    About::Resources
}

/// The caller, where it is a bot, and no other account.
fn account(account_id: Option<BotId>, caller: Caller) -> Result<Option<BotId>, Error> {
    let own = match caller {
        Caller::Bot(id) => Some(id),
        _ => None,
    };
    match account_id {
        Some(other) if own != Some(other) => Err(Error::new(
            Code::Conflict,
            format!("a connection subscribes for itself; bot {other} does so over its own, or leave account_id out"),
        )),
        _ => Ok(own),
    }
}

impl Scope<'_> {
    /// What events of a kind are about.
    fn topic(&self, kind: Kind) -> Result<Topic, Error> {
        let missing = |field| Error::field(field, format_args!("is missing; `{}` is about one", kind.name()));
        let about = match kind {
            // The gate knows what to say where none is named.
            Kind::Signup | Kind::Pattern | Kind::App => About::App(self.app_id),
            Kind::Share => About::User(self.user_id.ok_or_else(|| missing("user_id"))?),
            Kind::Organization => About::Organization(self.org_id.cloned()),
            Kind::Bot | Kind::User | Kind::Everything => About::Gateway,
        };
        Ok(Topic { kind, about })
    }

    /// What two fields name together, each once.
    fn topics(&self, fields: [&Option<Many<Kind>>; 2]) -> Result<Vec<Topic>, Error> {
        let mut topics = Vec::new();
        for kind in fields.into_iter().flatten().flat_map(|kinds| &kinds.0) {
            let topic = self.topic(*kind)?;
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        if topics.is_empty() {
            return Err(Error::field("events", "is empty or missing; name what to hear of, such as \"signup\""));
        }
        Ok(topics)
    }

    fn reply(&self, account_id: Option<BotId>, topics: &[Topic]) -> Subscribed {
        let about = |is: fn(&About) -> bool| topics.iter().any(|topic| is(&topic.about));
        Subscribed {
            app_id: self.app_id.filter(|_| about(|about| matches!(about, About::App(_)))),
            user_id: self.user_id.filter(|_| about(|about| matches!(about, About::User(_)))),
            org_id: self.org_id.filter(|_| about(|about| matches!(about, About::Organization(_)))).cloned(),
            account_id,
            events: topics.iter().map(|topic| topic.kind).collect(),
            seq: None,
            resumed: None,
            ack: true,
        }
    }
}

impl Method for SubscribeToEvent {
    const CALL: Call =
        Call::new("subscribeToEvent", "eventResponse", "has changes pushed as they are made, or since one").acking();
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Events;
    const REFUSES: &[Code] = &[Code::TooLarge];
    type Reply = Subscribed;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, &mut self.user_id, &mut self.org_id, sender)
    }
}

impl SubscribeToEvent {
    fn scope(&self) -> Scope<'_> {
        Scope { app_id: self.app_id, user_id: self.user_id, org_id: self.org_id.as_ref() }
    }
}

impl Attend for SubscribeToEvent {
    fn attend(&self, Here { view, hub, subscriptions, .. }: Here<'_>) -> Result<Subscribed, Error> {
        let scope = self.scope();
        let (account_id, topics) = (account(self.account_id, view.caller)?, scope.topics([&self.events, &self.event])?);
        topics.iter().try_for_each(|topic| topic.admit(view))?;
        let reply = scope.reply(account_id, &topics);
        let since = self.since_seq.map(|count| count.0);
        let Begun { seq, resumed } = subscriptions.subscribe(hub.feed(), view, topics, since)?;
        Ok(Subscribed { seq: Some(seq), resumed, ..reply })
    }
}

impl Method for UnsubscribeFromEvent {
    const CALL: Call = Call::new("unsubscribeFromEvent", "eventResponse", "has changes pushed no more").acking();
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Events;
    type Reply = Subscribed;

    fn about(&mut self, sender: Sender<'_>) -> About {
        resolve(&mut self.app_id, &mut self.user_id, &mut self.org_id, sender)
    }
}

impl UnsubscribeFromEvent {
    fn scope(&self) -> Scope<'_> {
        Scope { app_id: self.app_id, user_id: self.user_id, org_id: self.org_id.as_ref() }
    }
}

impl Attend for UnsubscribeFromEvent {
    fn attend(&self, Here { view, subscriptions, .. }: Here<'_>) -> Result<Subscribed, Error> {
        let scope = self.scope();
        let (account_id, topics) = (account(self.account_id, view.caller)?, scope.topics([&self.events, &self.event])?);
        subscriptions.unsubscribe(&topics);
        Ok(scope.reply(account_id, &topics))
    }
}

impl Method for ListEventSubscriptions {
    const CALL: Call = Call::new(
        "listEventSubscriptions",
        "listEventSubscriptionsResponse",
        "lists what the connection has subscribed to",
    )
    .acking();
    const NEEDS: Permission = Permission::AskAccess;
    const NOUN: Noun = Noun::Events;
    type Reply = EventSubscriptions;

    fn about(&mut self, _sender: Sender<'_>) -> About {
        About::Resources
    }
}

impl Attend for ListEventSubscriptions {
    fn attend(&self, Here { view, subscriptions, .. }: Here<'_>) -> Result<EventSubscriptions, Error> {
        let app_id = self.app_id.filter(|app| app.0 != 0);
        let account_id = account(self.account_id, view.caller)?;
        let is_asked_for = |topic: &&Topic| app_id.is_none() || topic.about == About::App(app_id);
        let events = subscriptions.topics().filter(is_asked_for).map(|topic| topic.kind).collect();
        Ok(EventSubscriptions {
            app_id,
            account_id,
            events,
            subscriptions: subscriptions.topics().map(Standing::new).collect(),
            ack: true,
        })
    }
}

impl Standing {
    fn new(topic: &Topic) -> Self {
        let mut standing = Self { event: topic.kind, app_id: None, user_id: None, org_id: None };
        match &topic.about {
            About::App(app_id) => standing.app_id = *app_id,
            About::User(user_id) => standing.user_id = Some(*user_id),
            About::Organization(org_id) => standing.org_id.clone_from(org_id),
            About::Gateway | About::Resources => {}
        }
        standing
    }
}
