//! This is where methods are sorted by what they are about, for readers.

/// What a method is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    /// People on an app's lists.
    SignUps,
    /// Patterns on an app's lists.
    Patterns,
    /// Whether somebody may in.
    Access,
    /// Apps.
    Apps,
    /// Bots.
    Bots,
    /// Users and their sessions.
    Users,
    /// Chats of users.
    Chats,
    /// Shares of chats, and who may open them.
    Shares,
    /// Organisations and their members.
    Organizations,
    /// Api keys of members.
    ApiKeys,
    /// What connections hear of.
    Events,
    /// Who is connected, and what passes.
    Traffic,
    /// The gateway as a whole.
    Gateway,
}

impl Noun {
    /// Every noun, in the order in which they are read.
    pub const ALL: &[Self] = &[
        Self::SignUps,
        Self::Patterns,
        Self::Access,
        Self::Apps,
        Self::Bots,
        Self::Users,
        Self::Chats,
        Self::Shares,
        Self::Organizations,
        Self::ApiKeys,
        Self::Events,
        Self::Traffic,
        Self::Gateway,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUps => "Sign-ups",
            Self::Patterns => "Patterns",
            Self::Access => "Access",
            Self::Apps => "Apps",
            Self::Bots => "Bots",
            Self::Users => "Users",
            Self::Chats => "Chats",
            Self::Shares => "Shares",
            Self::Organizations => "Organisations",
            Self::ApiKeys => "Api keys",
            Self::Events => "Events",
            Self::Traffic => "Traffic",
            Self::Gateway => "Gateway",
        }
    }

    /// What it stands for, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::SignUps => "Who may sign up to an app: people on its whitelist and its blacklist.",
            Self::Patterns => "Who may sign up to an app: patterns that match whole crowds.",
            Self::Access => "Whether somebody may in, and why; and who may, or to what.",
            Self::Apps => "The apps there are, and which of their lists decide.",
            Self::Bots => "The bots there are, what they were granted, and their tokens.",
            Self::Users => "The users of shared chats, and their sessions.",
            Self::Chats => "The chats of a user.",
            Self::Shares => "How a chat is shared, and who may open it.",
            Self::Organizations => "The organisations there are, and who their members are.",
            Self::ApiKeys => "The keys with which programs act as members of an organisation.",
            Self::Events => {
                "What a connection is told of, as it changes: subscriptions, which end with the connection."
            }
            Self::Traffic => "Who is connected, what passes between them and the gateway, and how much that is.",
            Self::Gateway => "The gateway as a whole: what all that it keeps comes to.",
        }
    }
}
