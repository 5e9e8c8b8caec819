//! What a guest is told of an error.

use capstan_cluster as cluster;

use crate::{
    bindings::capstan::provider::cluster::{Clash, Error, Owner},
    gate::Denied,
};

impl From<cluster::Error> for Error {
    fn from(error: cluster::Error) -> Self {
        let message = error.to_string();
        match error {
            cluster::Error::NotFound(_) | cluster::Error::UnknownKind(_) => Self::NotFound(message),
            cluster::Error::AlreadyExists(_) => Self::Conflict(Clash { message, owners: Vec::new() }),
            cluster::Error::Conflict(clash) => {
                let owner = |owner: cluster::FieldOwner| Owner { manager: owner.manager, field: owner.field };
                Self::Conflict(Clash { message, owners: clash.owners.into_iter().map(owner).collect() })
            }
            cluster::Error::Forbidden(_) => Self::Denied(message),
            cluster::Error::Invalid(_) => Self::Invalid(message),
            // That the host's credentials are not accepted, or its lease is lost, is nothing a provider can do about.
            cluster::Error::Unauthorized(_)
            | cluster::Error::Unavailable { .. }
            | cluster::Error::NotLeader
            | cluster::Error::Malformed(_) => Self::Unavailable(message),
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.to_string())
    }
}
