//! Snapshots: whatever fails while one is made, the files before it are whole; what lies on disk is held against what is in
//! memory; and a copy of the directory, made at any moment, is a prefix of what was acknowledged.

#[path = "snapshots/alarm.rs"]
mod alarm;
#[path = "snapshots/copies.rs"]
mod copies;
#[path = "snapshots/faults.rs"]
mod faults;
#[path = "snapshots/starts.rs"]
mod starts;
mod support;
