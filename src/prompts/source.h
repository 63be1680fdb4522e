/* source.h: a JSON file of prompt material while it is read: the checks that axes, stems and grammars share.
 *
 * Each check adds what is wrong to the findings, with its line, and reading continues. */
#pragma once

#include "base/json.h"
#include "prompts/findings.h"

enum {
    TT_SOURCE_LIMIT = 16 << 20,
    TT_SOURCE_KEYS = 8,
    TT_QUOTE = 64
}; /* bytes of a file; keys of a root; bytes of a quote */

typedef struct tt_source {
    yyjson_doc *doc;
    yyjson_val *root;      /* an object */
    uint32_t *lines;       /* see tt_json_lines */
    tt_findings *findings; /* the caller's */
} tt_source;

/* Parses JSON whose root is an object. False if it is not (a finding), or when out of memory (findings->failed); then
 * there is nothing to close. */
bool tt_source_open(tt_source *source, const char *json, size_t length, tt_findings *findings);
void tt_source_close(tt_source *source);

size_t tt_source_line(const tt_source *source, yyjson_val *value);

/* Reports keys of the root that are not among `known` (a warning: they are ignored), and repeated keys. At most
 * TT_SOURCE_KEYS are known. */
void tt_source_check_keys(const tt_source *source, const char *const *known, size_t count);

/* The member `key` of the root, a non-empty array; otherwise NULL, with a finding that ends in `remedy`. */
yyjson_val *tt_source_array(const tt_source *source, const char *key, const char *remedy);

/* The text of `value`, a string without control characters; otherwise NULL, with a finding that calls it `what`. */
const char *tt_source_text(const tt_source *source, yyjson_val *value, const char *what);

/* The member `key` of the root by tt_source_text; NULL if absent. */
const char *tt_source_optional_text(const tt_source *source, const char *key);

/* Like tt_source_text, but blank text is a fault too. A space at an end is a warning. */
const char *tt_source_phrase(const tt_source *source, yyjson_val *value, const char *what);

/* Reports strings that occur in `values` more than once, wherever they are. `what` is their name in messages. */
void tt_source_check_unique(const tt_source *source, yyjson_val *const *values, size_t count, const char *what);

/* `text` for messages, in `buffer`: without control characters, and shortened with "..." if it is long. */
const char *tt_quote(const char *text, char buffer[static TT_QUOTE]);
