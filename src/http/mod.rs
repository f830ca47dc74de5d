//! This is where plain HTTP is answered: the share API.

pub mod share;
