//! The OWASP WebSocket Security Cheat Sheet, line by line: each test is named after a line of it and shows over the wire what the
//! gateway does about it. Others go deeper where there is more to it; these are the list.
//!
//! What is said there of a proxy's or a WAF's settings and of keeping libraries up to date is no matter of the wire.

#[path = "owasp/authentication.rs"]
mod authentication;
#[path = "owasp/denial_of_service.rs"]
mod denial_of_service;
#[path = "owasp/input.rs"]
mod input;
#[path = "owasp/monitoring.rs"]
mod monitoring;
mod support;
#[path = "owasp/transport.rs"]
mod transport;
