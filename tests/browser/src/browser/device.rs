//! This is where a browser becomes another device: a phone, one that is dark, one with a keyboard alone.

use serde_json::{Value, json};
use thirtyfour::TypingData;

use super::Browser;

/// The width of a small phone.
const PHONE: (u32, u32) = (400, 800);

impl Browser {
    /// Makes it a phone. A window cannot be as narrow.
    pub async fn become_phone(&self) {
        let (width, height) = PHONE;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Has it ask for dark pages.
    pub async fn become_dark(&self) {
        let features = json!([{"name": "prefers-color-scheme", "value": "dark"}]);
        self.tell("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        let focused = self.driver.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("keys can be pressed");
    }

    /// What the page is made of now.
    pub async fn source(&self) -> String {
        self.driver.source().await.expect("a page has a source")
    }

    async fn tell(&self, command: &str, parameters: Value) {
        self.driver.cdp().send_raw(command, parameters).await.expect("it can be another device");
    }
}
