// As much of JSON as a provider in C needs: members of objects, and texts. What comes from the host is well-formed; what is not leads to
// "there is no such member" and never beyond the end.

#ifndef JSON_H
#define JSON_H

#include <stdbool.h>

#include "provider.h"

// A value: a part of the text that it was found in.
typedef struct {
  const char *at;
  const char *end;
} json_value;

json_value json_of(const provider_string_t *text);

// The member of an object; false if it is none, or has no such member.
bool json_member(json_value object, const char *name, json_value *value);

// The characters of a text, in memory of their own; false if it is none.
bool json_text(json_value value, provider_string_t *text);

// Bytes that grow, in memory of their own: how JSON and messages are written.
void append(provider_string_t *to, const char *bytes);
void append_string(provider_string_t *to, const provider_string_t *bytes);
// In quotes, with escapes.
void append_quoted(provider_string_t *to, const provider_string_t *text);

#endif
