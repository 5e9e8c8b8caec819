//! Annotation keys and the finalizer of managed objects. Those of Krateo's provider-runtime are kept letter by letter, so
//! that objects it left behind go on working.

/// Keeps a managed object until its external resource is gone.
pub const FINALIZER: &str = "finalizer.managedresource.krateo.io";

/// `"true"`, exactly, stops every call to the provider.
pub const PAUSED: &str = "krateo.io/paused";
/// Which external actions are allowed: see [`crate::ManagementPolicy`].
pub const MANAGEMENT_POLICY: &str = "krateo.io/management-policy";
/// Whether deleting the object deletes the external resource: see [`crate::DeletionPolicy`].
pub const DELETION_POLICY: &str = "krateo.io/deletion-policy";
/// The name of the external resource in its own system.
pub const EXTERNAL_NAME: &str = "krateo.io/external-name";
/// When a create was about to be asked for (RFC 3339, seconds).
pub const CREATE_PENDING: &str = "krateo.io/external-create-pending";
/// When a create was last known to have succeeded (RFC 3339, seconds).
pub const CREATE_SUCCEEDED: &str = "krateo.io/external-create-succeeded";
/// When a create was last known to have failed (RFC 3339, seconds).
pub const CREATE_FAILED: &str = "krateo.io/external-create-failed";

/// `"true"`, exactly, has the host log more about one object. A provider can read it too.
pub const VERBOSE: &str = "krateo.io/connector-verbose";

/// `"true"`, exactly, lets a paused object go when it is deleted; its external resource is left as it is.
pub const DELETE_WHILE_PAUSED: &str = "capstan.dev/delete-while-paused";
/// How often one object is looked at though nothing changed (`90s`, `10m`, `1h30m`), in place of its provider's interval.
pub const POLL_INTERVAL: &str = "capstan.dev/poll-interval";
/// Any text; a new one asks for a reconcile now. Echoed in `status.lastHandledReconcileAt` when it took place.
pub const RECONCILE_REQUESTED_AT: &str = "capstan.dev/reconcile-requested-at";

/// Marks a `ConfigMap` in the host's namespace as the carrier of the provider it names.
pub const PROVIDER_LABEL: &str = "capstan.dev/provider";

/// Label of a `Provider` that the host made, for a `ConfigMap` or a file: which of the two.
pub const MADE_FROM: &str = "capstan.dev/made-from";
/// Keeps a `Provider` until the objects of its kinds are gone.
pub const PROVIDER_FINALIZER: &str = "capstan.dev/managed-objects";
/// `"true"`, exactly, on a `Provider` that is deleted: its objects are let go, without their finalizer, and what they stand for
/// is left as it is.
pub const ABANDON: &str = "capstan.dev/abandon";

/// The keys that belong to the host and its users: what a provider says about them is ignored.
pub const HOST_ANNOTATIONS: &[&str] = &[
    PAUSED,
    MANAGEMENT_POLICY,
    DELETION_POLICY,
    EXTERNAL_NAME,
    CREATE_PENDING,
    CREATE_SUCCEEDED,
    CREATE_FAILED,
    VERBOSE,
    DELETE_WHILE_PAUSED,
    POLL_INTERVAL,
    RECONCILE_REQUESTED_AT,
];
