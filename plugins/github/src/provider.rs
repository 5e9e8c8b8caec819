//! The kinds as the host sees them.

use capstan_sdk::{Change, Creation, External, Kind, Managed, Observation, Result, config, crd};

use crate::client::Error;
use crate::config::Config;
use crate::connect::{body_secret, connect, connect_with, unconnected};
use crate::kinds::repo::{OnDelete, Repo};
use crate::kinds::{branch_protection, collaborator, repo, repo_file, team, team_membership, team_repo, webhook};
use crate::spec::Connection;

/// The lifecycle of a kind, whose own errors become what the host is to do.
macro_rules! external {
    ($kind:ty, $spec:ty, $definition:literal, $connect:expr) => {
        impl External for $kind {
            const KIND: Kind = crd!($definition);
            /// All names at GitHub follow from the spec: what a create of unknown outcome made is found by the next look.
            const RECOVERABLE: bool = true;
            type Spec = $spec;

            fn connect(object: &Managed<$spec>) -> Result<Self> {
                $connect(object, config::get()?)
            }

            fn observe(&mut self, object: &Managed<$spec>) -> Result<Observation> {
                <$kind>::observe(self, object).map_err(|error: Error| error.failure())
            }

            fn create(&mut self, object: &Managed<$spec>) -> Result<Creation> {
                <$kind>::create(self, object).map_err(|error: Error| error.failure())
            }

            fn update(&mut self, object: &Managed<$spec>) -> Result<Change> {
                <$kind>::update(self, object).map_err(|error: Error| error.failure())
            }

            fn delete(&mut self, object: &Managed<$spec>) -> Result<()> {
                <$kind>::delete(self, object).map_err(|error: Error| error.failure())
            }
        }
    };
    ($kind:ty, $spec:ty, $definition:literal) => {
        external!($kind, $spec, $definition, |object: &Managed<$spec>, config: Config| {
            let connection: &Connection = &object.spec.connection;
            Ok(<$kind>::new(connect(connection, &config)?))
        });
    };
}

external!(Repo, repo::Spec, "crds/repoes.yaml", |object: &Managed<repo::Spec>, config: Config| {
    let kept = object.is_being_deleted() && object.spec.on_delete == OnDelete::Keep;
    // Where nothing is asked, a missing Secret is not in the way.
    let github = if kept { unconnected()? } else { connect(&object.spec.connection, &config)? };
    Ok(Self::new(github, config.adoption))
});
external!(collaborator::Collaborator, collaborator::Spec, "crds/collaborators.yaml");
external!(team_repo::TeamRepo, team_repo::Spec, "crds/teamrepoes.yaml");
external!(team::Team, team::Spec, "crds/teams.yaml");
external!(team_membership::TeamMembership, team_membership::Spec, "crds/teammemberships.yaml");
external!(branch_protection::BranchProtection, branch_protection::Spec, "crds/branchprotections.yaml");
external!(
    repo_file::RepoFile,
    repo_file::Spec,
    "crds/repofiles.yaml",
    |object: &Managed<repo_file::Spec>, config: Config| {
        let kept = object.is_being_deleted() && object.spec.on_delete == repo_file::OnDelete::Keep;
        let github = if kept { unconnected()? } else { connect(&object.spec.connection, &config)? };
        Ok(Self::new(github))
    }
);
external!(webhook::Webhook, webhook::Spec, "crds/webhooks.yaml", |object: &Managed<webhook::Spec>, config: Config| {
    // A deletion sends no secret, so a missing one is not in the way.
    let wanted = object.spec.secret_ref.as_ref().filter(|_| !object.is_being_deleted());
    let secret = wanted.map(|secret| body_secret(secret, webhook::SECRET)).transpose()?;
    let version = secret.as_ref().map(capstan_sdk::credentials::Credential::version);
    Ok(Self::new(connect_with(&object.spec.connection, &config, secret)?, version))
});
