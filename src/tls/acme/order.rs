//! This is where a certificate is ordered: account, order, proofs, request, certificate.

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem,
    RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use super::https::Https;
use super::kept::{self, Kept};
use super::shown::Shown;
use super::{Acme, OrderError};

/// How often an authority is asked whether it is done: after a quarter of a second, then each time after twice as long.
const ASKING: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));

/// Orders one certificate for all names; gives its key and it, in PEM form.
pub async fn order(acme: &Acme, kept: &Kept, https: Https, shown: &Shown) -> Result<Vec<u8>, OrderError> {
    let failed = |error| failed(&acme.directory, error);
    let account = account(acme, kept, https).await?;
    let names: Vec<_> = acme.names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await.map_err(failed)?;
    validate(acme, &mut order, shown).await?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(acme.names.clone())?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await.map_err(failed)?;
    let chain = order.poll_certificate(&ASKING).await.map_err(failed)?;
    Ok((key.serialize_pem() + &chain).into_bytes())
}

/// The account that is kept, or a new one.
async fn account(acme: &Acme, kept: &Kept, https: Https) -> Result<Account, OrderError> {
    let failed = |error| failed(&acme.directory, error);
    let builder = Account::builder_with_http(Box::new(https));
    if let Some(bytes) = kept::read(&kept.account)? {
        let credentials = serde_json::from_slice(&bytes);
        let credentials = credentials.map_err(|error| OrderError::Kept(kept.account.clone(), error.into()))?;
        return builder.from_credentials(credentials).await.map_err(failed);
    }
    let contact: Vec<&str> = acme.contact.as_deref().into_iter().collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder.create(&new, acme.directory.clone(), None).await.map_err(failed)?;
    let bytes = serde_json::to_vec(&credentials).expect("credentials are plain data");
    kept::write(&kept.account, bytes).await?;
    Ok(account)
}

/// Proves what is not proved yet, and waits until the authority has looked at all of it.
async fn validate(acme: &Acme, order: &mut Order, shown: &Shown) -> Result<(), OrderError> {
    let failed = |error| failed(&acme.directory, error);
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(failed)?;
        let name = authorization.identifier().to_string();
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
        let mut challenge = challenge.ok_or_else(|| OrderError::NoChallenge(name.clone()))?;
        shown.prove(&name, challenge.key_authorization().digest().as_ref())?;
        challenge.set_ready().await.map_err(failed)?;
    }
    match order.poll_ready(&ASKING).await {
        Ok(OrderStatus::Ready) => Ok(()),
        // An order fails for a reason that only the proof it failed for tells well.
        ended => Err(match (reason(order).await, ended) {
            (Some(reason), _) => reason,
            (None, Err(error)) => failed(error),
            (None, Ok(_)) => OrderError::Refused(acme.directory.clone(), "the order is invalid".to_owned()),
        }),
    }
}

/// Which name was not validated, and why.
async fn reason(order: &mut Order) -> Option<OrderError> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.ok()?;
        let state = authorization.refresh().await.ok()?;
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return Some(OrderError::NotValidated(state.identifier().to_string(), told(problem)));
        }
    }
    None
}

fn failed(directory: &str, error: Error) -> OrderError {
    match error {
        Error::Api(problem) => OrderError::Refused(directory.to_owned(), told(&problem)),
        error => OrderError::Unanswered(directory.to_owned(), error.to_string()),
    }
}

/// What an authority says is wrong, in its words.
fn told(problem: &Problem) -> String {
    let text = problem.to_string();
    text.strip_prefix("API error: ").unwrap_or(&text).to_owned()
}
