//! What a SIGHUP does: settings, the administrator's token and the certificate are read again, all of them or none.

use std::path::PathBuf;

use guestlist::administrator::AdministratorToken;
use guestlist::gateway::Gateway;
use guestlist::shared::Changeable;

use super::settings::{Settings, SettingsError};
use super::within_descriptors;

/// Where settings come from, to be asked again.
#[derive(Debug)]
pub struct Sources {
    /// Flags and the environment, which stay as they were.
    given: Settings,
    /// The file.
    config: Option<PathBuf>,
}

impl Sources {
    pub fn new(given: Settings, config: Option<PathBuf>) -> Self {
        Self { given, config }
    }

    /// All settings, as they are now.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        let given = self.given.clone();
        let given = match &self.config {
            Some(path) => given.or(Settings::read(path)?),
            None => given,
        };
        Ok(given.or(Settings::defaults()))
    }

    /// Has a gateway run by what they are now, as far as that needs no restart. Where they cannot be used, all stays as it was.
    pub async fn reload(&self, gateway: &Gateway, before: &mut Settings) {
        gateway.renew().await;
        let (settings, changeable, administrator) = match self.read() {
            Ok(read) => read,
            Err(error) => return tracing::error!(%error, "the settings could not be read again; those before stay"),
        };
        if let Some(token) = administrator
            && let Err(error) = gateway.set_administrator(&token).await
        {
            return tracing::error!(%error, "the settings were not changed; those before stay");
        }
        let fixed = [settings.fixed(before), gateway.change(changeable)].concat();
        *before = settings;
        tracing::info!("the settings were read again");
        if !fixed.is_empty() {
            tracing::warn!(settings = fixed.join(", "), "some settings are other ones now, and take a restart");
        }
    }

    fn read(&self) -> Result<(Settings, Changeable, Option<AdministratorToken>), SettingsError> {
        let settings = self.settings()?;
        let mut changeable = settings.changeable()?;
        changeable.limits = within_descriptors(changeable.limits);
        let administrator = settings.administrator()?;
        Ok((settings, changeable, administrator))
    }
}
