//! What a public conformance suite asks of a WebSocket server, family by family: every case of it that can be asked of a gateway
//! that answers messages and does not echo them, and some more. What is sent is written bit by bit, and each case is tried over
//! TCP and over a line that hands on one byte at a time.

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/closing.rs"]
mod closing;
#[path = "conformance/control_frames.rs"]
mod control_frames;
#[path = "conformance/fragments.rs"]
mod fragments;
#[path = "conformance/framing.rs"]
mod framing;
#[path = "conformance/handshake.rs"]
mod handshake;
#[path = "conformance/limits.rs"]
mod limits;
#[path = "conformance/reserved.rs"]
mod reserved;
#[path = "conformance/utf8.rs"]
mod utf8;
#[path = "conformance/wire.rs"]
mod wire;
