//! The guards that are taken away, one at a time.

use super::{Guard, Suite};

const GATE: &str = "host/sandbox/src/gate.rs";
const OUTSIDE: &str = "host/sandbox/src/gate/outside.rs";
const ACCESS: &str = "host/sandbox/src/cluster/access.rs";
const BODY: &str = "host/sandbox/src/cluster/body.rs";
const REQUEST: &str = "host/sandbox/src/http/request.rs";
const ADDRESS: &str = "host/sandbox/src/http/address.rs";
const DESCRIPTOR: &str = "host/sandbox/src/descriptor.rs";
const INSPECT: &str = "host/sandbox/src/inspect.rs";
const BREAKER: &str = "host/providers/src/breaker.rs";
const REVIEWER: &str = "host/providers/src/reviewer.rs";

/// One that a unit test sees.
const fn guard(
    name: &'static str,
    file: &'static str,
    text: &'static str,
    without: &'static str,
    noticed_by: &'static str,
) -> Guard {
    Guard { name, file, text, without, suite: Suite::Units, test: noticed_by }
}

/// By what they belong to: the gate, names and patches, requests, components, limits, the lease, the breaker, definitions, accounts.
pub(super) const GUARDS: &[Guard] = &[
    guard(
        "gate-needs",
        GATE,
        "self.asked.iter().filter(|rule| matches(rule, request))",
        "self.asked.iter().filter(|_| true)",
        "gate::tests::needs_narrow_as_much_as_grants",
    ),
    guard(
        "gate-verbs",
        GATE,
        "verb && speaks_of(rule, request.kind)",
        "speaks_of(rule, request.kind)",
        "gate::tests::verbs_namespaces_and_names_narrow",
    ),
    guard(
        "gate-namespaces",
        GATE,
        "listed(rule.namespaces.as_ref(), namespace)",
        "true",
        "gate::tests::verbs_namespaces_and_names_narrow",
    ),
    guard(
        "gate-names",
        GATE,
        "listed(rule.names.as_ref(), name)",
        "true",
        "gate::tests::verbs_namespaces_and_names_narrow",
    ),
    guard(
        "gate-labels-contradict",
        GATE,
        ".is_some_and(|other| other != *value)",
        ".is_some_and(|_| false)",
        "gate::tests::labels_that_contradict_each_other_grant_nothing",
    ),
    guard(
        "gate-namespace-of-grants",
        GATE,
        "matches(rule, request) && self.may_enter(rule, request)",
        "matches(rule, request)",
        "gate::tests::the_namespace_of_the_grants_is_written_only_by_name",
    ),
    guard(
        "gate-path-segments",
        OUTSIDE,
        ".is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))",
        ".is_some()",
        "gate::outside::tests::scheme_host_port_path_and_method_narrow",
    ),
    guard(
        "gate-secrets-of-the-host",
        OUTSIDE,
        "Some(\"*\") => protected != Some(&secret.namespace),",
        "Some(\"*\") => true,",
        "gate::outside::tests::all_namespaces_are_not_that_of_the_host",
    ),
    guard(
        "gate-secrets-in-bodies",
        OUTSIDE,
        "namespace && named && slot.is_in(rule)",
        "namespace && named",
        "gate::outside::tests::headers_and_members_of_bodies_are_granted_apart",
    ),
    guard(
        "labels-of-what-is-listed",
        ACCESS,
        ".filter(|object| holds(&permit, object))",
        "",
        "cluster::tests::lists_hold_what_the_labels_cover",
    ),
    guard(
        "labels-of-what-is-created",
        ACCESS,
        "self.must_label(&permit, &body, &target)?;",
        "",
        "cluster::tests::what_is_made_must_fall_under_the_grant",
    ),
    guard(
        "apply-creates",
        ACCESS,
        "let makes = kind == PatchKind::Apply && !body::names_uid(&body);",
        "let makes = false;",
        "cluster::tests::an_apply_that_may_make_something_needs_the_right_to",
    ),
    guard(
        "subresources",
        ACCESS,
        "subresource.filter(|name| !SUBRESOURCES.contains(name))",
        "subresource.filter(|_| false)",
        "cluster::tests::subresources_are_those_of_the_contract",
    ),
    guard(
        "patch-stays",
        BODY,
        ".filter(|found| **found != *own)",
        ".filter(|_| false)",
        "cluster::body::tests::a_patch_cannot_leave_its_target",
    ),
    guard(
        "names-are-one-segment",
        "host/sandbox/src/cluster/names.rs",
        "!name.contains(elsewhere) && ",
        "",
        "cluster::names::tests::hostile_names_are_refused",
    ),
    guard(
        "url-as-written",
        REQUEST,
        "if leads_upward(text.split(['?', '#']).next().unwrap_or_default()) {",
        "if false {",
        "http::request::tests::urls_mean_what_they_say",
    ),
    guard(
        "url-as-sent",
        REQUEST,
        "if leads_upward(&url[..Position::AfterPath]) {",
        "if false {",
        "http::request::tests::urls_mean_what_they_say",
    ),
    guard(
        "headers-of-the-host",
        REQUEST,
        "if is_own(&parsed) {",
        "if false {",
        "http::request::tests::headers_of_the_connection_belong_to_the_host",
    ),
    guard(
        "private-addresses",
        ADDRESS,
        "} else if PRIVATE_V4.iter().any(|range| range.contains(&address)) {",
        "} else if false {",
        "http::address::tests::this_machine_local_networks_and_the_cluster_are_private",
    ),
    guard(
        "metadata-services",
        ADDRESS,
        "if FORBIDDEN_V4.iter().any(|range| range.contains(&address)) {",
        "if false {",
        "http::address::tests::metadata_services_and_what_is_no_single_machine_are_forbidden",
    ),
    guard(
        "addresses-inside-addresses",
        ADDRESS,
        "Some(inner) => return place(IpAddr::V4(inner), private),",
        "Some(_) => place_v6(address),",
        "http::address::tests::an_address_inside_an_address_is_what_counts",
    ),
    guard(
        "secret-elsewhere",
        "host/sandbox/src/http/access.rs",
        ".find(|each| !each.origins().contains(&origin))",
        ".find(|_| false)",
        "credentials::tests::a_secret_goes_only_where_it_is_granted_for",
    ),
    guard(
        "lost-answers",
        "host/sandbox/src/http/access.rs",
        "Err(failed) => failed.is_refusal(),",
        "Err(_) => true,",
        "http::tests::unanswered::what_may_have_changed_something_counts_until_it_is_answered",
    ),
    guard(
        "native-code",
        INSPECT,
        "if wasmtime::Engine::detect_precompiled(bytes).is_some() || is_native(bytes) {",
        "if bytes.is_empty() {",
        "inspect::tests::what_is_no_component_is_named",
    ),
    guard(
        "memories-of-a-component",
        INSPECT,
        "at_most(\"memories\", memories, MEMORIES as u64)?;",
        "",
        "inspect::tests::many_memories_are_refused_in_one_module_and_in_several",
    ),
    guard(
        "private-code",
        "host/sandbox/src/code/kept.rs",
        "if !found.is_dir() || !is_private(&found) {",
        "if !found.is_dir() {",
        "code::kept::tests::only_a_private_directory_is_used",
    ),
    guard(
        "memory-is-summed",
        "host/sandbox/src/limiter.rs",
        ".is_some_and(|sum| sum <= self.limit)",
        ".is_some_and(|_| added <= self.limit)",
        "limiter::tests::memories_and_tables_are_summed",
    ),
    Guard {
        name: "bytes-of-a-call",
        file: "host/sandbox/src/instance.rs",
        text: "store.set_hostcall_fuel(HOSTCALL);",
        without: "",
        suite: Suite::Hostile,
        test: "huge_answer",
    },
    Guard {
        name: "lines-of-a-reconcile",
        file: "host/sandbox/src/log/journal.rs",
        text: "self.line(&mut state, level, message, &Fields(fields));",
        without: "self.emit(level, &Line { message, fields: &Fields(fields) }.to_string());",
        suite: Suite::Hostile,
        test: "floods_the_log",
    },
    guard(
        "fence",
        "host/cluster/src/fence.rs",
        "if self.is_open() { Ok(()) } else { Err(Error::NotLeader) }",
        "Ok(())",
        "fence::tests::after_the_deadline_nothing_is_written_and_reads_go_on",
    ),
    guard(
        "fence-of-calls",
        "host/providers/src/fenced.rs",
        "fence.check().map_err(",
        "Ok::<_, capstan_cluster::Error>(drop(fence.clone())).map_err(",
        "fenced::tests::nothing_is_asked_after_the_term",
    ),
    guard(
        "breaker-of-several-objects",
        BREAKER,
        "if *streak >= STREAK && objects.len() >= OBJECTS {",
        "if *streak >= STREAK {",
        "breaker::tests::one_bad_object_holds_nothing_and_neither_do_bad_ones_among_good_ones",
    ),
    guard(
        "breaker-one-probe",
        BREAKER,
        "State::Open { probing: true, .. } => Err(PROBING),",
        "",
        "breaker::tests::one_probe_at_a_time_decides_and_failing_ones_come_more_and_more_seldom",
    ),
    guard(
        "definitions-convert-nothing",
        DESCRIPTOR,
        "Some(conversion) if conversion[\"strategy\"] == \"None\" => Ok(()),",
        "Some(_) => Ok(()),",
        "descriptor::tests::a_definition_brings_nothing_but_the_kind",
    ),
    guard(
        "definitions-own-nothing",
        DESCRIPTOR,
        "check_metadata(definition.get(\"metadata\"))?;",
        "",
        "descriptor::tests::a_definition_brings_nothing_but_the_kind",
    ),
    guard(
        "definitions-of-others",
        "host/providers/src/install/mod.rs",
        "if is_for(provider, installed) || grants.manages(&group, &kind) {",
        "if is_for(provider, installed) || grants.manages(&group, &kind) || !kind.is_empty() {",
        "install::tests::a_definition_of_somebody_else_is_taken_over_only_where_that_is_granted",
    ),
    guard(
        "impersonation",
        "host/cluster/src/transport.rs",
        "request.headers_mut().insert(IMPERSONATE_USER, user.clone());",
        "let _ = (&mut request, &user, IMPERSONATE_USER);",
        "client::tests::every_request_in_the_name_of_an_account_says_so_and_nothing_more",
    ),
    guard(
        "identity",
        "host/providers/src/rights/identity.rs",
        "user == account.user() && groups == BTreeSet::from(account.groups())",
        "user == account.user()",
        "rights::identity::tests::only_the_account_itself_passes",
    ),
    guard(
        "rights-of-the-host",
        REVIEWER,
        "self.have(provider, acting, Holder::Host, &rights.host).await?;",
        "",
        "reviewer::tests::the_host_and_the_account_are_asked_each_for_its_own",
    ),
    guard(
        "rights-of-the-account",
        REVIEWER,
        "Holder::Account => (acting.client(), acting.account()),",
        "Holder::Account => (&self.client, acting.account()),",
        "reviewer::tests::the_host_and_the_account_are_asked_each_for_its_own",
    ),
];
