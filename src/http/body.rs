//! This is where a request's body is read, within bounds of size and time.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use tokio::time::timeout;

use crate::config::Limits;
use crate::wire::error::{Code, Error};

/// The body as bytes.
pub async fn read(body: Body, limits: &Limits) -> Result<Bytes, Error> {
    let max = limits.body_bytes_max;
    match timeout(limits.body_wait, to_bytes(body, max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // What breaks off is answered to nobody, so that the size is the only reason to tell.
        Ok(Err(_)) => {
            Err(Error::new(Code::TooLarge, format!("the body has more than {max} bytes; send several requests")))
        }
        Err(_) => Err(Error::new(Code::Malformed, "the body did not come in time; send it again, faster")),
    }
}
