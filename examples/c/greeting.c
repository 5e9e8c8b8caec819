// Keeps the greeting of each `Greeting` in a `ConfigMap`.
//
// An instance lives for one reconcile, and its memory goes with it: nothing is freed here. What is returned is freed by the generated
// code, so it is never a constant.

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "provider.h"

typedef provider_string_t string;
typedef exports_capstan_provider_external_failure_t failure;

static const char DEFINITION[] = {
#embed "../definition.json"
    , 0};
static const char NEEDS[] = {
#embed "../needs.json"
    , 0};

// Text in memory of its own.
static string owned(const char *text) {
  string made = {0};
  append(&made, text);
  return made;
}

// A constant, for arguments of imports, which free nothing.
static string borrowed(const char *text) {
  string made;
  provider_string_set(&made, text);
  return made;
}

void exports_capstan_provider_describe_describe(exports_capstan_provider_describe_descriptor_t *ret) {
  exports_capstan_provider_describe_managed_kind_t *kind = malloc(sizeof *kind);
  if (!kind) abort();
  *kind = (exports_capstan_provider_describe_managed_kind_t){
      .kind = {owned("examples.capstan.dev/v1alpha1"), owned("Greeting")},
      .definition = {true, owned(DEFINITION)},
      // The ConfigMap's name follows from the object's: after a crash, `observe` finds what was created.
      .recoverable = true,
  };
  *ret = (exports_capstan_provider_describe_descriptor_t){
      .name = owned("greeting-c"),
      .version = owned("0.1.0"),
      .kinds = {kind, 1},
      .needs = owned(NEEDS),
  };
}

// Who is greeted, how, and in which ConfigMap.
typedef struct {
  string who;
  string text;
  capstan_provider_types_object_ref_t target;
} greeting;

static bool fails(failure *err, uint8_t tag, const char *reason, const char *message, const string *more) {
  *err = (failure){.tag = tag};
  capstan_provider_types_problem_t *problem =
      tag == CAPSTAN_PROVIDER_TYPES_FAILURE_TERMINAL ? &err->val.terminal : &err->val.retryable;
  problem->reason = owned(reason);
  problem->message = owned(message);
  if (more) append_string(&problem->message, more);
  return false;
}

// What the host is to do about it: content that is refused is refused again, anything else may pass.
static bool failed(failure *err, const capstan_provider_cluster_error_t *error) {
  const uint8_t retry = CAPSTAN_PROVIDER_TYPES_FAILURE_RETRYABLE;
  switch (error->tag) {
  case CAPSTAN_PROVIDER_CLUSTER_ERROR_INVALID:
    return fails(err, CAPSTAN_PROVIDER_TYPES_FAILURE_TERMINAL, "Invalid", "the API server refuses the content: ",
                 &error->val.invalid);
  case CAPSTAN_PROVIDER_CLUSTER_ERROR_CONFLICT:
    return fails(err, retry, "Conflict", "conflict: ", &error->val.conflict.message);
  case CAPSTAN_PROVIDER_CLUSTER_ERROR_NOT_FOUND:
    return fails(err, retry, "NotFound", "not found: ", &error->val.not_found);
  case CAPSTAN_PROVIDER_CLUSTER_ERROR_DENIED:
    return fails(err, retry, "Denied", "denied: ", &error->val.denied);
  default:
    return fails(err, retry, "Unavailable", "the API server is not available: ", &error->val.unavailable);
  }
}

static bool read(const string *managed, greeting *of, failure *err) {
  json_value object = json_of(managed), metadata, spec, value;
  string name, namespace;
  if (!json_member(object, "metadata", &metadata) || !json_member(metadata, "name", &value) || !json_text(value, &name) ||
      !json_member(metadata, "namespace", &value) || !json_text(value, &namespace) ||
      !json_member(object, "spec", &spec) || !json_member(spec, "name", &value) || !json_text(value, &of->who)) {
    return fails(err, CAPSTAN_PROVIDER_TYPES_FAILURE_TERMINAL, "Malformed", "the Greeting has no name, namespace or spec.name",
                 NULL);
  }
  string target = owned("greeting-");
  append_string(&target, &name);
  of->text = owned("Hello, ");
  append_string(&of->text, &of->who);
  append(&of->text, "!");
  of->target = (capstan_provider_types_object_ref_t){
      .api_version = borrowed("v1"), .kind = borrowed("ConfigMap"), .namespace_ = {true, namespace}, .name = target};
  return true;
}

// `BEFORE"text"AFTER`, or null instead of the text if there is none.
static string around(const char *before, const string *text, const char *after) {
  string json = owned(before);
  if (text) append_quoted(&json, text);
  else append(&json, "null");
  append(&json, after);
  return json;
}

static string status(const string *text) { return around("{\"greeting\":", text, "}"); }

// Writes the ConfigMap.
static bool write(greeting *of, failure *err) {
  static const char NOBODY[] = "nobody";
  if (of->who.len == strlen(NOBODY) && memcmp(of->who.ptr, NOBODY, of->who.len) == 0) {
    return fails(err, CAPSTAN_PROVIDER_TYPES_FAILURE_TERMINAL, "NobodyToGreet", "spec.name is nobody: name somebody", NULL);
  }
  string fields = around("{\"data\":{\"greeting\":", &of->text, "}}"), stored;
  capstan_provider_cluster_patch_options_t options = {.force = true};
  capstan_provider_cluster_error_t error;
  if (!capstan_provider_cluster_patch(&of->target, CAPSTAN_PROVIDER_CLUSTER_PATCH_KIND_APPLY, &fields, &options, &stored,
                                      &error)) {
    return failed(err, &error);
  }
  string message = borrowed("wrote a greeting");
  provider_tuple2_string_string_t field = {borrowed("configMap"), of->target.name};
  provider_list_tuple2_string_string_t fields_of_line = {&field, 1};
  capstan_provider_log_write(CAPSTAN_PROVIDER_LOG_LEVEL_INFO, &message, &fields_of_line);
  return true;
}

bool exports_capstan_provider_external_connect(string *managed, failure *err) {
  (void)managed, (void)err;
  return true;
}

bool exports_capstan_provider_external_observe(string *managed, exports_capstan_provider_external_observation_t *ret,
                                               failure *err) {
  greeting of;
  if (!read(managed, &of, err)) return false;
  *ret = (exports_capstan_provider_external_observation_t){
      .readiness = {.tag = EXPORTS_CAPSTAN_PROVIDER_EXTERNAL_READINESS_UNKNOWN}};
  string actual;
  capstan_provider_cluster_error_t error;
  if (!capstan_provider_cluster_get(&of.target, &actual, &error)) {
    return error.tag == CAPSTAN_PROVIDER_CLUSTER_ERROR_NOT_FOUND || failed(err, &error);
  }
  json_value data, value;
  string kept;
  bool has = json_member(json_of(&actual), "data", &data) && json_member(data, "greeting", &value) && json_text(value, &kept);
  ret->exists = true;
  ret->up_to_date = has && kept.len == of.text.len && memcmp(kept.ptr, of.text.ptr, kept.len) == 0;
  if (!ret->up_to_date) {
    exports_capstan_provider_external_difference_t *difference = malloc(sizeof *difference);
    if (!difference) abort();
    *difference = (exports_capstan_provider_external_difference_t){
        .path = owned("data.greeting"),
        .desired = {true, around("", &of.text, "")},
        .actual = {true, around("", has ? &kept : NULL, "")},
    };
    ret->differences.ptr = difference;
    ret->differences.len = 1;
  }
  ret->status.is_some = true;
  ret->status.val = status(has ? &kept : NULL);
  ret->readiness.tag = EXPORTS_CAPSTAN_PROVIDER_EXTERNAL_READINESS_READY;
  return true;
}

bool exports_capstan_provider_external_create(string *managed, exports_capstan_provider_external_creation_t *ret, failure *err) {
  greeting of;
  if (!read(managed, &of, err) || !write(&of, err)) return false;
  *ret = (exports_capstan_provider_external_creation_t){.status = {true, status(&of.text)}};
  return true;
}

bool exports_capstan_provider_external_update(string *managed, exports_capstan_provider_external_change_t *ret, failure *err) {
  greeting of;
  if (!read(managed, &of, err) || !write(&of, err)) return false;
  *ret = (exports_capstan_provider_external_change_t){.status = {true, status(&of.text)}};
  return true;
}

bool exports_capstan_provider_external_delete(string *managed, failure *err) {
  greeting of;
  if (!read(managed, &of, err)) return false;
  capstan_provider_cluster_error_t error;
  return capstan_provider_cluster_delete(&of.target, &error) || error.tag == CAPSTAN_PROVIDER_CLUSTER_ERROR_NOT_FOUND ||
         failed(err, &error);
}

bool exports_capstan_provider_external_disconnect(failure *err) {
  (void)err;
  return true;
}
