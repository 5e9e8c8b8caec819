//! The list.

/// Hands all behaviours to a macro, as `name Variant` with the documentation of each.
#[macro_export]
macro_rules! for_each_behaviour {
    ($then:ident) => {
        $then! {
            /// Nothing unusual.
            behaves Behaves,

            /// Loops in connect.
            spins_in_connect SpinsInConnect,
            /// Loops in observe.
            spins_in_observe SpinsInObserve,
            /// Loops in create.
            spins_in_create SpinsInCreate,
            /// Loops in update.
            spins_in_update SpinsInUpdate,
            /// Loops in delete.
            spins_in_delete SpinsInDelete,
            /// Loops in disconnect.
            spins_in_disconnect SpinsInDisconnect,
            /// Loops in describe.
            spins_in_describe SpinsInDescribe,
            /// Waits in the host, where no epoch reaches it.
            sleeps Sleeps,

            /// Traps in connect.
            traps_in_connect TrapsInConnect,
            /// Traps in observe.
            traps_in_observe TrapsInObserve,
            /// Traps in create.
            traps_in_create TrapsInCreate,
            /// Traps in update.
            traps_in_update TrapsInUpdate,
            /// Traps in delete.
            traps_in_delete TrapsInDelete,
            /// Traps in disconnect.
            traps_in_disconnect TrapsInDisconnect,
            /// Traps in describe.
            traps_in_describe TrapsInDescribe,
            /// Panics with a message.
            panics Panics,
            /// Exits like a program.
            exits Exits,
            /// Recurses without end, on the stack of the machine.
            recurses Recurses,
            /// Recurses without end, and fills the stack that its language keeps in memory first.
            recurses_with_locals RecursesWithLocals,
            /// Allocates without end.
            allocates Allocates,
            /// Asks for more memory than there is at once, and bears the refusal.
            allocates_and_recovers AllocatesAndRecovers,

            /// Answers with a patch for `spec` that is no JSON.
            malformed_late_initialize MalformedLateInitialize,
            /// Answers with a patch for `status` that is no object.
            malformed_status_of_observe MalformedStatusOfObserve,
            /// The same, of create.
            malformed_status_of_create MalformedStatusOfCreate,
            /// The same, of update.
            malformed_status_of_update MalformedStatusOfUpdate,
            /// Answers with a difference that is no JSON.
            malformed_difference MalformedDifference,
            /// Answers with JSON nested too deeply for a recursive reader.
            deep_status DeepStatus,
            /// Describes itself with a name that is none.
            malformed_descriptor MalformedDescriptor,
            /// Describes itself with a name that moves the cursor of whoever reads it.
            describes_an_unprintable_name DescribesAnUnprintableName,
            /// Describes a kind with such a name.
            describes_an_unprintable_kind DescribesAnUnprintableKind,
            /// Describes thousands of kinds.
            describes_thousands_of_kinds DescribesThousandsOfKinds,
            /// Describes a kind by a definition larger than what a cluster stores.
            describes_a_huge_definition DescribesAHugeDefinition,
            /// Describes kinds by definitions that are each small enough, and together are not.
            describes_more_than_fits DescribesMoreThanFits,
            /// Describes a kind by a definition nested too deeply for a recursive reader.
            describes_a_deep_definition DescribesADeepDefinition,
            /// Describes its configuration by a schema nested likewise.
            describes_a_deep_schema DescribesADeepSchema,
            /// Describes its configuration by what is no schema.
            describes_no_schema DescribesNoSchema,
            /// Describes its configuration by a schema that is in a file of the host's machine.
            describes_a_schema_elsewhere DescribesASchemaElsewhere,
            /// Asks for permissions in YAML, which has more ways to be large.
            describes_needs_in_yaml DescribesNeedsInYaml,
            /// Answers with a string of many megabytes.
            huge_answer HugeAnswer,
            /// Logs a string of many megabytes.
            huge_log_line HugeLogLine,
            /// Fails with a message and a reason that are no message and no reason.
            huge_failure HugeFailure,

            /// Logs without end.
            floods_the_log FloodsTheLog,
            /// Prints without end.
            floods_the_output FloodsTheOutput,
            /// Emits events without end.
            floods_events FloodsEvents,
            /// Makes requests without end.
            floods_the_cluster FloodsTheCluster,

            /// Logs in describe, where there is no log.
            imports_in_describe ImportsInDescribe,
            /// Reads what it was not granted.
            reads_outside_its_grant ReadsOutsideItsGrant,
            /// Lists more than it was granted.
            lists_outside_its_grant ListsOutsideItsGrant,
            /// Changes what it was not granted.
            writes_outside_its_grant WritesOutsideItsGrant,
            /// Lists in a namespace that it was not granted.
            lists_another_namespace ListsAnotherNamespace,
            /// Lists what it was granted by name.
            lists_what_it_may_read ListsWhatItMayRead,
            /// Reads an object whose name was not granted.
            reads_another_name ReadsAnotherName,
            /// Reads the same by a version of its kind that there is not.
            reads_another_version ReadsAnotherVersion,
            /// Reads an object of a name that was granted, in no namespace.
            reads_in_no_namespace ReadsInNoNamespace,
            /// Reads a Secret, of which it was granted the use only.
            reads_another_kind ReadsAnotherKind,
            /// Creates an object where it was not granted any.
            creates_outside_its_grant CreatesOutsideItsGrant,
            /// Creates an object that it was granted to read.
            creates_what_it_may_read CreatesWhatItMayRead,
            /// Applies an object that it was granted to read.
            applies_what_it_may_read AppliesWhatItMayRead,
            /// Patches an object that it was granted to read.
            patches_what_it_may_read PatchesWhatItMayRead,
            /// Patches the status of an object that it was granted to read.
            patches_a_status_it_may_read PatchesAStatusItMayRead,
            /// Has an object that it was granted to patch deleted by the cluster: gives it an owner that there is not.
            adopts_what_it_may_patch AdoptsWhatItMayPatch,
            /// The same by an operation on the list of owners.
            adopts_by_an_operation AdoptsByAnOperation,
            /// Deletes an object that it was granted to read.
            deletes_what_it_may_read DeletesWhatItMayRead,
            /// Deletes an object where it was not granted any.
            deletes_outside_its_grant DeletesOutsideItsGrant,
            /// Applies JSON nested too deeply for a recursive reader, where it may write.
            applies_something_deep AppliesSomethingDeep,
            /// Creates an object larger than what a cluster stores, where it may.
            creates_something_large CreatesSomethingLarge,
            /// Creates one of so many megabytes that it does not matter whether they are JSON.
            creates_something_huge CreatesSomethingHuge,
            /// Names an object so that the path of the request leads elsewhere.
            reads_through_a_path ReadsThroughAPath,
            /// Patches one object with a body that names another.
            patches_another_object PatchesAnotherObject,
            /// Asks the machine's metadata service, which no grant opens.
            fetches_metadata FetchesMetadata,
            /// Asks this machine, whose origin it was granted, but not private addresses.
            fetches_loopback FetchesLoopback,
            /// Asks a machine of a local network, granted likewise.
            fetches_a_private_address FetchesAPrivateAddress,
            /// Asks this machine by an IPv6 address that holds an IPv4 one, granted likewise.
            fetches_a_mapped_address FetchesAMappedAddress,
            /// Asks by a name that leads to this machine, granted likewise.
            fetches_a_name_of_loopback FetchesANameOfLoopback,
            /// Asks an origin that it was not granted.
            fetches_outside_its_grant FetchesOutsideItsGrant,
            /// Is redirected to the metadata service.
            is_redirected IsRedirected,
            /// Writes a second header into the value of one.
            smuggles_a_header SmugglesAHeader,
            /// Names another host than that of the URL.
            names_another_host NamesAnotherHost,
            /// Leaves the path that it was granted.
            climbs_out_of_its_path ClimbsOutOfItsPath,
            /// Sends a secret to an origin that it is not for.
            sends_a_credential_elsewhere SendsACredentialElsewhere,
            /// Wants a secret in a member of bodies that its origin shows to everybody.
            puts_a_secret_where_it_shows PutsASecretWhereItShows,
            /// Puts a secret into the body of a GET.
            puts_a_secret_into_a_question PutsASecretIntoAQuestion,
            /// Opens a secret that it was not granted.
            opens_a_foreign_secret OpensAForeignSecret,
            /// Opens one secret after the other and keeps all.
            hoards_credentials HoardsCredentials,
            /// Is answered with a little that becomes much.
            is_bombed_with_gzip IsBombedWithGzip,
            /// Is answered without end.
            is_answered_without_end IsAnsweredWithoutEnd,
            /// Is answered with headers without end.
            is_answered_with_headers IsAnsweredWithHeaders,
            /// Is never answered to the end, and says how long it waits.
            is_answered_slowly IsAnsweredSlowly,
            /// Is never answered to the end, and waits.
            waits_for_an_answer WaitsForAnAnswer,
            /// Sends requests without end.
            floods_other_systems FloodsOtherSystems,
            /// Asks for much, again and again.
            draws_too_much DrawsTooMuch,
            /// Looks for files, variables, arguments and the network.
            looks_around LooksAround,
            /// Keeps something in memory for the next reconcile.
            remembers Remembers,
        }
    };
}

macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident $variant:ident,)*) => {
        /// One way to behave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Behaviour {
            $($(#[$doc])* $variant,)*
        }

        impl Behaviour {
            /// All of them, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As it stands in `spec.behaviour`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// Whether it shows in `describe`, as the names of those say, and not in a session.
            #[must_use]
            pub fn is_of_describe(self) -> bool {
                self.name().contains("descri")
            }

            /// The opposite of [`Self::name`].
            #[must_use]
            pub fn of(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

for_each_behaviour!(behaviours);
