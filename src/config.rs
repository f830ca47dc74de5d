//! This is where every limit and every setting has its name, its unit and its default.

mod named;

use std::time::Duration;

use named::named;
pub use named::{Named, NamedError};

named! {
    /// Bounds on what clients may send and hold, and on how long the gateway waits.
    pub struct Limits {
        /// Connections served at once; more wait in the listener's backlog. Below Debian's hard limit of descriptors.
        connections_max: usize = 18_000,
        /// Connections from one network address at once, or from one IPv6 network of 2^64; more are ended as they come. As many as
        /// in all, for a proxy in front of the gateway is one address.
        connections_per_address_max: usize = 18_000,
        /// Connections served at once at the administrator's own address.
        admin_connections_max: usize = 64,
        /// Connections that are signed in with one token at once; more are refused with 429.
        connections_per_token_max: usize = 18_000,
        /// Requests of one caller in a second, over WebSocket and HTTP together; more are refused with 429, and when to send them
        /// again. Above what a gateway answers, for only its keeper knows what bots need; connections take turns in any case.
        requests_per_caller_per_second_max: u32 = 1_000_000,
        /// Requests from one network address in a second; a proxy in front of the gateway is one address.
        requests_per_address_per_second_max: u32 = 1_000_000,
        /// How long a client may take over its HTTP request.
        handshake_wait: Duration = Duration::from_secs(10),
        /// How long a connection may stay without a good `TOKEN_AUTH`.
        auth_wait: Duration = Duration::from_secs(10),
        /// Bytes of the largest frame that is read as a message; larger ones are refused with 413. Holds 10,000 sign-ups with tags.
        frame_bytes_max: usize = 1_000_000,
        /// Bytes of the largest frame that is taken off the wire at all; larger ones end the connection with 1009.
        frame_bytes_hard_max: usize = 4 << 20,
        /// Bytes of a connection's read buffer. The library's default of 128 KiB costs twenty times the memory.
        read_buffer_bytes: usize = 4 << 10,
        /// Bytes that may be read before a client has signed in: room for a token and a reference, not for a flood of strangers.
        sign_in_bytes_max: usize = 64 << 10,
        /// Bytes of a frame that may take long to read, for which other connections are handed to another thread.
        heavy_frame_bytes: usize = 4 << 10,
        /// Frames of one connection handled before what they caused is sent and others get their turn.
        frames_per_turn_max: usize = 256,
        /// How long one connection's frames are handled before others get their turn.
        turn_wait: Duration = Duration::from_millis(1),
        /// Bytes of answers gathered before they are sent.
        outbox_bytes_max: usize = 256 << 10,
        /// Bytes that are handed to the system and not on their way yet. It would take megabytes for a client that reads nothing,
        /// and all of them would have been made in vain.
        unsent_bytes_max: u32 = 128 << 10,
        /// Changes of one connection under way at once, with the answers that wait behind them; further frames wait unread.
        in_flight_max: usize = 1_024,
        /// Bytes of the frames of those changes, and of those answers; further frames wait unread.
        in_flight_bytes_max: usize = 4 << 20,
        /// Submissions that wait for the engine, of all connections; further ones wait with their connection.
        submissions_max: usize = 1_024,
        /// Changes that are journaled and flushed together.
        batch_changes_max: usize = 4_096,
        /// Bytes that are journaled and flushed together.
        batch_bytes_max: usize = 4 << 20,
        /// How long a client may leave its answers unread before it is closed as a slow reader.
        write_wait: Duration = Duration::from_secs(30),
        /// How often a quiet connection is pinged.
        ping_interval: Duration = Duration::from_secs(30),
        /// How long nothing, not even a pong, may be heard. SDKs are quiet for up to 90 s, and one never speaks by itself.
        idle_wait: Duration = Duration::from_secs(120),
        /// Over how long a time connections are ended at a stop, so that clients do not all come back at once.
        drain_window: Duration = Duration::from_millis(1),
        /// How long closing may take: the client's own close frame, and all connections together at a stop.
        close_wait: Duration = Duration::from_secs(5),
        /// Bytes of an HTTP request's body.
        body_bytes_max: usize = 2_000_000,
        /// How long a client may take over the body of its HTTP request.
        body_wait: Duration = Duration::from_secs(30),
        /// How often it is looked whether the files of the certificate hold another one.
        certificate_look_interval: Duration = Duration::from_secs(5),
        /// How long accepting pauses when the process is out of descriptors.
        accept_pause: Duration = Duration::from_millis(100),
        /// How often the journal is flushed under relaxed durability.
        relaxed_flush_interval: Duration = Duration::from_secs(1),
        /// Bytes of journal segments that are kept as an audit log beyond what a start could need.
        journal_keep_bytes: u64 = JOURNAL_KEEP_BYTES_DEFAULT,
        /// How long a file of the data directory stays after it is of no more use, for a copy that is being made to find it.
        removal_wait: Duration = REMOVAL_WAIT,
        /// Bytes of a segment after which another one is begun: what a check, a copy or a repair has to do with at once.
        segment_bytes_max: u64 = 64 << 20,
        /// Bytes of room that are made in a segment at a time, at most, before they are needed: what a batch that has it grow must
        /// wait for, once in so many bytes.
        journal_ahead_bytes_max: u64 = 4 << 20,
        /// How often it is tried to go on writing on a disk that was full.
        resume_interval: Duration = Duration::from_millis(500),
        /// Bytes that must fit onto a disk that was full before changes are taken again, so that it is not full again at once.
        resume_room_bytes: usize = 256 << 10,
        /// How old the view of a shared journal may be for decisions to be made from it.
        stale_max: Duration = Duration::from_secs(5),
        /// How long a shared journal may not be reached before changes are refused.
        cut_off_after: Duration = Duration::from_secs(2),
        /// How long it is tried to append a batch to a shared journal, and to find out whether it was, before those who wait for it
        /// are told that it is unknown.
        append_wait: Duration = Duration::from_secs(8),
        /// Guesses at one secret that one origin may make in a row, such as log-ins with one address.
        guesses_burst: u32 = 30,
        /// How long it takes until one guess more is allowed.
        guess_interval: Duration = Duration::from_secs(2),
        /// Guesses at anything that one origin may make at once. Log-ins of a crowd behind one address are among them.
        guesses_of_origin_burst: u32 = 300,
        /// How long it takes until one more of those is allowed; several times what checking a password takes.
        guess_of_origin_interval: Duration = Duration::from_millis(200),
        /// Pairs of origin and secret that are remembered before those that have waited long enough are forgotten.
        guess_keys_max: usize = 65_536,
        /// Passwords that are hashed at once. Each takes a core, and 19 MiB.
        password_threads_max: usize = 2,
        /// Passwords that wait to be hashed; further ones are refused.
        password_queue_max: usize = 256,
    }
}

impl Limits {
    /// Whether they go together.
    pub fn check(&self) -> Result<(), NamedError> {
        let together = |goes: bool, what: &str| {
            if goes { Ok(()) } else { Err(NamedError::Together(what.to_owned())) }
        };
        together(self.idle_wait >= IDLE_WAIT_MIN, "idle_wait must be 90s at least, for SDKs are quiet for as long")?;
        together(self.ping_interval < self.idle_wait, "ping_interval must be less than idle_wait")?;
        together(
            self.requests_per_caller_per_second_max > 0 && self.requests_per_address_per_second_max > 0,
            "requests_per_caller_per_second_max and requests_per_address_per_second_max must be 1 at least",
        )?;
        together(
            self.frame_bytes_max <= self.frame_bytes_hard_max,
            "frame_bytes_max must not be more than frame_bytes_hard_max",
        )
    }

    /// Those that other limits have at another value and that stay as they are until the next start.
    pub fn fixed(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.all().into_iter().zip(other.all());
        let differing = pairs.filter(|(one, another)| one.value != another.value).map(|(one, _)| one.name);
        differing.filter(|name| FIXED.contains(name)).collect()
    }

    /// The same for a process that may have so many descriptors. Every connection takes one, and some are left to the rest.
    pub fn within_descriptors(self, descriptors: u64) -> Self {
        let room = usize::try_from(descriptors.saturating_sub(DESCRIPTORS_RESERVED)).unwrap_or(usize::MAX);
        Self { connections_max: self.connections_max.min(room.max(1)), ..self }
    }
}

/// Limits of what is made once, at a start: queues, threads, files, and the places for connections.
const FIXED: &[&str] = &[
    "connections_max",
    "admin_connections_max",
    "submissions_max",
    "batch_changes_max",
    "batch_bytes_max",
    "certificate_look_interval",
    "relaxed_flush_interval",
    "journal_keep_bytes",
    "removal_wait",
    "segment_bytes_max",
    "journal_ahead_bytes_max",
    "resume_interval",
    "resume_room_bytes",
    "cut_off_after",
    "append_wait",
    "stale_max",
    "password_threads_max",
    "password_queue_max",
];

/// The shortest time that a client may be quiet.
pub const IDLE_WAIT_MIN: Duration = Duration::from_secs(90);

/// Descriptors that connections leave to everything else: the journal's segments and directory, snapshots and what they are
/// folded from, a recording, the listener, the runtime.
pub const DESCRIPTORS_RESERVED: u64 = 64;

/// Bytes of a refused request's body that are read and thrown away, for its sender to get to read why.
pub const BODY_REST_BYTES_MAX: usize = 16 << 20;

/// How long that may take.
pub const BODY_REST_WAIT: Duration = Duration::from_secs(5);

/// Bytes of the longest frame that is sent. Java bots end their connection at 100,001.
pub const FRAME_OUT_BYTES_MAX: usize = 90_000;

/// Bytes of the longest text in a refusal; it may quote what was sent.
pub const ERROR_BYTES_MAX: usize = 320;

/// Bytes of the longest reference that is echoed.
pub const REFERENCE_BYTES_MAX: usize = 1_024;

/// Items in one call: sign-ups added or removed.
pub const SIGNUPS_PER_CALL_MAX: usize = 10_000;

/// Items in one call: patterns added or removed.
pub const PATTERNS_PER_CALL_MAX: usize = 1_000;

/// Patterns on one list.
pub const PATTERNS_PER_LIST_MAX: usize = 10_000;

/// Patterns on one list that have to be compiled, at up to [`COMPILED_BYTES_MAX`] each; those of plain letters with open ends
/// do not count.
pub const COMPILED_PER_LIST_MAX: usize = 2_000;

/// Bytes that the text of a pattern may have. A sign-up id has 254 at most, and a pattern for it is seldom longer.
pub const PATTERN_BYTES_MAX: usize = 1_024;

/// Bytes that one pattern may compile to: room for several Unicode classes such as `\w`, while counted repetitions such as
/// `(\w{99}){99}`, which grow far beyond their text, are refused.
pub const COMPILED_BYTES_MAX: usize = 128 << 10;

/// Groups within groups that a pattern may have; reading one takes stack for each.
pub const PATTERN_NESTING_MAX: u32 = 100;

/// Bytes of a sign-up id: the longest email address that can be delivered to.
pub const SIGNUP_ID_BYTES_MAX: usize = 254;

/// Tags of one entry, pattern or app. An ack repeats those that stand, so they bound what a short request can ask for.
pub const TAGS_MAX: usize = 16;

/// Bytes of a tag.
pub const TAG_BYTES_MAX: usize = 64;

/// Bytes of a name, and of a pattern's example.
pub const NAME_BYTES_MAX: usize = 254;

/// Apps and grants of one bot, each. With longer lists a bot's record would not fit into a frame.
pub const GRANTS_MAX: usize = 500;

/// Members of one organisation.
pub const MEMBERS_MAX: usize = 100_000;

/// Api keys of one member.
pub const KEYS_PER_MEMBER_MAX: usize = 20;

/// Characters of an api key that is made here, some six random bits each.
pub const KEY_CHARS: usize = 40;

/// Characters of the shortest api key that an administrator may choose.
pub const KEY_CHARS_MIN: usize = 12;

/// Characters of the longest.
pub const KEY_CHARS_MAX: usize = 254;

/// Characters of the shortest token of its own form that an administrator may have.
pub const ADMIN_TOKEN_CHARS_MIN: usize = 16;

/// Characters of the longest.
pub const ADMIN_TOKEN_CHARS_MAX: usize = 254;

/// KiB of memory that hashing a password takes. The cost of a hash is what the OWASP cheat sheet asks of argon2id.
pub const PASSWORD_MEMORY_KIB: u32 = 19 << 10;

/// Passes over that memory.
pub const PASSWORD_PASSES: u32 = 2;

/// Lanes of that memory, which could be filled side by side.
pub const PASSWORD_LANES: u32 = 1;

/// Questions in one call of `checkAccess`. Each may have to hold a person against every pattern of two lists.
pub const EVALUATIONS_PER_CALL_MAX: usize = 100;

/// Sign-ups of a list that a search looks at in a turn, while nobody can change the app; then others have theirs.
pub const ENTRIES_PER_TURN: usize = 16_384;

/// Sign-ups that a pattern which is tried is shown to match, at most.
pub const TRIAL_EXAMPLES_MAX: usize = 10;

/// Candidates that a page of a search looks at; the page ends there, however many of them are a yes.
pub const SEARCH_EXAMINED_MAX: usize = 1_000;

/// Characters of the shortest password of a user.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Characters of the longest password.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// How long a session lasts, in milliseconds: seven days.
pub const SESSION_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// Characters of the secret of a set-up link, some six random bits each.
pub const LINK_CHARS: usize = 32;

/// How long a set-up link may be used, in milliseconds: half an hour.
pub const LINK_MS: u64 = 30 * 60 * 1_000;

/// Set-up links that wait to be used; one more voids the oldest.
pub const LINKS_MAX: usize = 100;

/// Sessions of one user; one more ends the oldest.
pub const SESSIONS_PER_USER_MAX: usize = 50;

/// Chats of one user, and chats removed in one call.
pub const CHATS_PER_USER_MAX: usize = 10_000;

/// Users on the whitelist of one share, the owner among them.
pub const ENTRIES_PER_SHARE_MAX: usize = 10_000;

/// Items in one call: users added to the whitelist of a share, or taken off it.
pub const EMAILS_PER_CALL_MAX: usize = 1_000;

/// Entries of a page, where the request does not say.
pub const PAGE_SIZE_DEFAULT: u64 = 50;

/// Entries of a page, at most; a request for more gets this many.
pub const PAGE_SIZE_MAX: u64 = 1_000;

/// Journal entries between two snapshots, where the command line does not say. A start replays as many in about a second.
pub const SNAPSHOT_EVERY_DEFAULT: u64 = 500_000;

/// Bytes of journal segments that are kept as an audit log beyond what a start could need, where the command line does not say.
pub const JOURNAL_KEEP_BYTES_DEFAULT: u64 = 256 << 20;

/// Bytes of a batch that is offered to a shared journal, where it is of more than one change. etcd takes requests of up to 1.5 MiB.
pub const OFFER_BYTES_MAX: usize = 1 << 20;

/// Bytes of a change that is offered alone, at most: what etcd takes, less what comes with it.
pub const OFFER_ALONE_BYTES_MAX: usize = 1_400 << 10;

/// How long a member of etcd may take to be connected to.
pub const ETCD_CONNECT_WAIT: Duration = Duration::from_secs(1);

/// How often a quiet connection to etcd is pinged, and how long that may take.
pub const ETCD_PING_INTERVAL: Duration = Duration::from_secs(1);

/// How long a call to etcd may take before another member is called.
pub const ETCD_CALL_WAIT: Duration = Duration::from_secs(3);

/// How long it is waited before etcd is called again after a failure.
pub const ETCD_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The same where a batch waits for it.
pub const APPEND_RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Bytes of an answer of etcd's, at most.
pub const ETCD_BYTES_MAX: usize = 256 << 20;

/// How often it is found out how old the view of a shared journal is.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// How long etcd may take over that question before another member is asked: less than what has changes refused.
pub const PROBE_CALL_WAIT: Duration = Duration::from_millis(700);

/// How long folding what is known to be there may take before the watch is begun anew.
pub const PROBE_WAIT: Duration = Duration::from_secs(1);

/// Batches that are read at once where etcd was compacted.
pub const BRIDGE_BATCHES_AT_ONCE: usize = 32;

/// Batches that are delivered and wait to be folded.
pub const DELIVERIES_MAX: usize = 256;

/// Offers that wait while those before them are given up.
pub const OFFERS_MAX: usize = 4;

/// Seconds after which a gateway that was not heard of is taken for gone by the others.
pub const GATEWAY_LEASE_SECONDS: i64 = 10;

/// How often a gateway tells the others how far it is, and looks how far they are.
pub const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);

/// Parts that the bots of a gateway are told in, so that one that comes or goes has few others told again.
pub const SEAT_PARTS: usize = 64;

/// Bytes of a part of a snapshot in etcd.
pub const SNAPSHOT_PART_IN_ETCD_BYTES: usize = 512 << 10;

/// Removals of batches in one transaction; etcd takes 128 operations.
pub const REMOVALS_AT_ONCE: usize = 100;

/// Batches that are removed at a turn.
pub const REMOVALS_PER_TURN: i64 = 10_000;

/// How long etcd's history is kept: a gateway that was away for less goes on as if it had never been.
pub const HISTORY_KEPT: Duration = Duration::from_secs(10 * 60);

/// How often a part of that history becomes old enough to be forgotten.
pub const HISTORY_NOTED_EVERY: Duration = Duration::from_secs(60);

/// How often a gateway begins anew from what others share, at most, within [`BEGUN_ANEW_WITHIN`].
pub const BEGUN_ANEW_MAX: usize = 5;

/// See there.
pub const BEGUN_ANEW_WITHIN: Duration = Duration::from_secs(5 * 60);

/// How long a start waits for etcd.
pub const ETCD_START_WAIT: Duration = Duration::from_secs(60);

/// States of a gateway up to revisions of a shared journal that are known, for others to be compared with.
pub const CHECKPOINTS_KEPT_MAX: usize = 16_384;

/// Bytes of room that are made in a segment at a time, at least, unless that is more than the most: several hundred small changes.
pub const JOURNAL_AHEAD_BYTES_MIN: u64 = 64 << 10;

/// How long a file of the data directory stays after it is of no more use: time to copy the directory while it is written to.
pub const REMOVAL_WAIT: Duration = Duration::from_secs(60);

/// Bytes of a snapshot that are written before they are synced. A flush of the journal may have to wait for as many.
pub const SNAPSHOT_PART_BYTES: usize = 1 << 20;

/// How many times as long as it works the thread that makes snapshots rests: it takes an eighth of a processor.
pub const SNAPSHOT_RESTS: u32 = 7;

/// How long it rests at once, at most, before it looks whether there is a hurry.
pub const SNAPSHOT_REST_MAX: Duration = Duration::from_secs(1);

/// How much less of a processor the thread that makes snapshots asks for than all others. Not the least there is: a thread that
/// hardly ever runs keeps whoever waits for a lock that it holds in the kernel, such as that of the address space.
pub const SNAPSHOT_NICE: i32 = 5;

/// Subscriptions of one connection.
pub const SUBSCRIPTIONS_MAX: usize = 500;

/// How often a subscriber is told what is new, at most: what comes in between goes together, with one flush.
pub const PUSH_INTERVAL: Duration = Duration::from_millis(50);

/// How often all subscribers together are told, at most: the more they are, the longer is that interval, up to [`PUSH_INTERVAL_MAX`].
/// A push is a call of the system, so that this is a part of a processor.
pub const PUSHES_PER_SECOND_MAX: u32 = 4_000;

/// The longest that it gets.
pub const PUSH_INTERVAL_MAX: Duration = Duration::from_secs(2);

/// What passed lately and is kept for those who watch; what comes faster than they are told is left out.
pub const TRAFFIC_KEPT: usize = 4_096;

/// How often those who watch are told what passed, at most.
pub const TRAFFIC_INTERVAL: Duration = Duration::from_millis(100);

/// How much of what passed goes into one push, in number and in bytes.
pub const TRAFFIC_AT_ONCE: usize = 256;
/// See [`TRAFFIC_AT_ONCE`].
pub const TRAFFIC_BYTES_AT_ONCE: usize = 64 << 10;

/// Bytes of the longest frame that is shown to those who watch.
pub const TRAFFIC_TEXT_BYTES_MAX: usize = 8 << 10;

/// How often the load is noted, and how often it was for it to be forgotten: after an hour.
pub const LOAD_INTERVAL: Duration = Duration::from_secs(10);
/// See [`LOAD_INTERVAL`].
pub const LOAD_SAMPLES_MAX: usize = 360;

/// Bytes of events that are given to a connection at once.
pub const TOLD_BYTES_AT_ONCE: usize = 256 << 10;

/// Bytes of events that are kept in memory for all subscribers together; whoever is further behind reads the journal.
pub const TOLD_KEPT_BYTES_MAX: usize = 4 << 20;

/// Batches of changes that wait to be made events; what there is no room for is read from the journal.
pub const UNTOLD_MAX: usize = 4_096;

/// Bytes of those.
pub const UNTOLD_BYTES_MAX: usize = 16 << 20;

/// Subscribers who are read the journal at once, each on a thread; further ones wait.
pub const CATCHING_UP_MAX: usize = 8;

/// Changes that were refused when their turn came and are known as such, so that no subscriber is told of them.
pub const REFUSED_KEPT_MAX: usize = 65_536;

/// Where bots connect.
pub const ENDPOINT: &str = "/nandbox/api/";

/// Bytes of one line of a transcript, at most: a frame of the largest size that is taken, every byte of it escaped, fits.
pub const TRANSCRIPT_LINE_BYTES_MAX: usize = 32 << 20;

/// The longest body of an HTTP response that a replay reads: what a line of a transcript can expect.
pub const TRANSCRIPT_BODY_BYTES_MAX: usize = TRANSCRIPT_LINE_BYTES_MAX;

/// Frames of a replayed connection that may be under way where the gateway answers in order: enough for what is sent and what
/// is answered to travel many at a time, and below what a gateway takes from one connection.
pub const TRANSCRIPT_AHEAD_DEFAULT: usize = 768;

/// Frames that a replay sends off together, at most: fewer than may be under way, so that the gateway works on some while others
/// are read and written.
pub const TRANSCRIPT_FED_MAX: usize = 64;

/// Lines of a transcript that expect frames and are read ahead of those frames, at most. In a replay in any order, it is among
/// so many that a frame finds its line.
pub const TRANSCRIPT_EXPECTED_MAX: usize = 1_024;

/// Frames of a replayed connection that came and wait for the lines that expect them, at most.
pub const TRANSCRIPT_FRAMES_ARRIVED_MAX: usize = 1_024;

/// Frames passed over in a replay that are kept, to tell what became of one that is missing.
pub const TRANSCRIPT_FRAMES_PASSED_MAX: usize = 32;

/// Lines before and after one that failed among which the nearest to what came are looked for.
pub const TRANSCRIPT_NEAREST_WINDOW: usize = 64;

/// How long frames are waited for after one that was not expected, to tell what it is, where no `PING` can be asked.
pub const TRANSCRIPT_GATHER_WAIT: Duration = Duration::from_secs(1);

/// Bytes of the longest message that a recording keeps: of the largest frame that is taken.
pub const RECORDED_FRAME_BYTES_MAX: usize = 4 << 20;

/// Bytes of the longest body of a request or an answer that a recording keeps.
pub const RECORDED_BODY_BYTES_MAX: usize = 4 << 20;

/// How long a recording waits for the end of such a body; it passes on unrecorded then.
pub const RECORDED_BODY_WAIT: Duration = Duration::from_secs(30);

/// Secrets, ids and times that one recording tells apart.
pub const RECORDED_NAMES_MAX: usize = 100_000;

/// Bytes of the secrets that one recording remembers: each is kept until its end, and some are whole texts.
pub const RECORDED_NAMES_BYTES_MAX: usize = 64 << 20;

/// Bytes that wait to be written into a recording. `record` lets what passes wait for it; a gateway does not, and stops recording.
pub const RECORDING_QUEUE_BYTES_MAX: usize = 64 << 20;

/// Bytes of a recording that a gateway makes of itself, at which it ends.
pub const RECORDING_BYTES_MAX: u64 = 1 << 30;

/// How long the other half of a recorded connection may stay open once one half is closed.
pub const HALF_OPEN_WAIT: Duration = Duration::from_secs(60);

/// Bytes of the shortest secret that is looked for inside other texts; a shorter one is in many that have nothing to do with it.
pub const SECRET_BYTES_MIN: usize = 6;

/// How long a mock's client may take to upgrade its connection.
pub const MOCK_HANDSHAKE_WAIT: Duration = Duration::from_secs(5);

/// How long a mock's client may take to close its end of the connection. One that shares a thread with its test may never do it.
pub const MOCK_CLOSE_WAIT: Duration = Duration::from_millis(500);

/// How long a mock's accepting pauses when the process is out of descriptors.
pub const MOCK_ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long anybody may hold up a mock's stop: a client that does not read, a server spied upon that does not answer.
pub const MOCK_STOP_WAIT: Duration = Duration::from_secs(2);
