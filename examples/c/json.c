#include "json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static json_value trimmed(json_value value) {
  while (value.at < value.end && is_space(*value.at)) value.at++;
  return value;
}

// Behind the text that begins here, with its closing quote.
static const char *after_text(json_value value) {
  for (const char *at = value.at + 1; at < value.end; at++) {
    if (*at == '\\') at++;
    else if (*at == '"') return at + 1;
  }
  return value.end;
}

// Behind the value that begins here.
static const char *after(json_value value) {
  int depth = 0;
  while (value.at < value.end) {
    switch (*value.at) {
    case '"':
      value.at = after_text(value);
      if (depth == 0) return value.at;
      continue;
    case '{':
    case '[':
      depth++;
      break;
    case '}':
    case ']':
      if (depth == 0) return value.at;
      if (--depth == 0) return value.at + 1;
      break;
    case ',':
      if (depth == 0) return value.at;
      break;
    }
    value.at++;
  }
  return value.end;
}

json_value json_of(const provider_string_t *text) {
  const char *at = (const char *)text->ptr;
  return trimmed((json_value){at, at + text->len});
}

bool json_member(json_value object, const char *name, json_value *value) {
  size_t length = strlen(name);
  if (object.at == object.end || *object.at != '{') return false;
  json_value rest = {object.at + 1, object.end};
  for (;;) {
    rest = trimmed(rest);
    if (rest.at == rest.end || *rest.at != '"') return false;
    const char *found = rest.at + 1;
    rest.at = after_text(rest);
    bool wanted = (size_t)(rest.at - found) == length + 1 && memcmp(found, name, length) == 0;
    rest = trimmed(rest);
    if (rest.at == rest.end || *rest.at != ':') return false;
    rest.at++;
    rest = trimmed(rest);
    const char *end = after(rest);
    if (wanted) {
      *value = (json_value){rest.at, end};
      return true;
    }
    rest.at = end;
    rest = trimmed(rest);
    if (rest.at == rest.end || *rest.at != ',') return false;
    rest.at++;
  }
}

// The four digits of an escape; -1 if they are none.
static int32_t hexadecimal(const char *at, const char *end) {
  if (end - at < 4) return -1;
  int32_t number = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

static size_t utf8(uint32_t code, uint8_t *to) {
  if (code < 0x80) {
    to[0] = (uint8_t)code;
    return 1;
  }
  size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, code >>= 6) to[i] = (uint8_t)(0x80 | (code & 0x3f));
  to[0] = (uint8_t)((length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0) | code);
  return length;
}

bool json_text(json_value value, provider_string_t *text) {
  if (value.end - value.at < 2 || *value.at != '"') return false;
  const char *at = value.at + 1, *end = value.end - 1;
  // An escape is never shorter than what it stands for.
  text->ptr = malloc((size_t)(end - at) + 1);
  text->len = 0;
  if (!text->ptr) abort();
  while (at < end) {
    char c = *at++;
    if (c != '\\' || at == end) {
      text->ptr[text->len++] = (uint8_t)c;
      continue;
    }
    static const char LETTERS[] = "bfnrt", MEANT[] = "\b\f\n\r\t";
    c = *at++;
    const char *letter = strchr(LETTERS, c);
    if (c != 'u') {
      text->ptr[text->len++] = (uint8_t)(letter && c ? MEANT[letter - LETTERS] : c);
      continue;
    }
    int32_t code = hexadecimal(at, end);
    if (code < 0) return false;
    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
      int32_t low = hexadecimal(at + 2, end);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    // Half a character is none; the contract has texts in UTF-8 alone.
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
    text->len += utf8((uint32_t)code, text->ptr + text->len);
  }
  return true;
}

static void append_bytes(provider_string_t *to, const uint8_t *bytes, size_t length) {
  if (length == 0) return;
  uint8_t *grown = realloc(to->ptr, to->len + length);
  if (!grown) abort();
  memcpy(grown + to->len, bytes, length);
  *to = (provider_string_t){grown, to->len + length};
}

void append(provider_string_t *to, const char *bytes) { append_bytes(to, (const uint8_t *)bytes, strlen(bytes)); }

void append_string(provider_string_t *to, const provider_string_t *bytes) { append_bytes(to, bytes->ptr, bytes->len); }

void append_quoted(provider_string_t *to, const provider_string_t *text) {
  static const char DIGITS[] = "0123456789abcdef";
  append(to, "\"");
  for (size_t i = 0; i < text->len; i++) {
    uint8_t c = text->ptr[i];
    if (c == '"' || c == '\\') {
      append_bytes(to, (uint8_t[]){'\\', c}, 2);
    } else if (c < 0x20) {
      append_bytes(to, (uint8_t[]){'\\', 'u', '0', '0', (uint8_t)DIGITS[c >> 4], (uint8_t)DIGITS[c & 15]}, 6);
    } else {
      append_bytes(to, &c, 1);
    }
  }
  append(to, "\"");
}
