//! What is said of deliveries that make no provider.

use super::Providers;
use crate::report::About;

impl Providers {
    /// Says once of each delivery that makes no provider why.
    pub(super) fn refuse(&mut self) {
        for (place, found) in self.drop_ins.iter() {
            let Some(name) = found.provider.as_deref().filter(|name| self.speaks_for(name)) else { continue };
            let Some(error) = self.drop_ins.refusal(place, found, &self.objects) else { continue };
            if self.refused.insert((place.clone(), error.to_string())) {
                let about = About { name, uid: None, origin: Some(&found.origin) };
                self.surroundings.reporter.failed(about, &error);
            }
        }
    }

    /// Says what could not be made.
    pub(super) fn not_made(&self, errors: Vec<(String, capstan_cluster::Error)>) {
        for (name, error) in errors {
            let origin = self.drop_ins.iter().find(|(_, found)| found.provider.as_ref() == Some(&name));
            let about = About { name: &name, uid: None, origin: origin.map(|(_, found)| &found.origin) };
            self.surroundings.reporter.failed(about, &crate::ProviderError::Object(error));
        }
    }
}
