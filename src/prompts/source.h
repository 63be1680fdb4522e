/* source.h: a JSON file of prompt material while it is read: the questions that axes, stems and grammars all ask of it.
 *
 * Each question that finds something wrong adds it to the findings, with its line, and the reading goes on. */
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

/* Parses JSON whose root is an object. False when it is not that (a finding), or memory is short (findings->failed): then
 * there is nothing to close. */
bool tt_source_open(tt_source *source, const char *json, size_t length, tt_findings *findings);
void tt_source_close(tt_source *source);

size_t tt_source_line(const tt_source *source, yyjson_val *value);

/* Finds fault with keys of the root that are not among `known` (a warning: they are ignored) and with keys given twice. At
 * most TT_SOURCE_KEYS are known. */
void tt_source_check_keys(const tt_source *source, const char *const *known, size_t count);

/* The member `key` of the root, an array that is not empty; NULL with a finding, which ends in `remedy`. */
yyjson_val *tt_source_array(const tt_source *source, const char *key, const char *remedy);

/* The text of `value`, which must be a string without control characters; NULL with a finding, which calls it `what`. */
const char *tt_source_text(const tt_source *source, yyjson_val *value, const char *what);

/* The member `key` of the root by tt_source_text; NULL where there is none. */
const char *tt_source_optional_text(const tt_source *source, const char *key);

/* As tt_source_text, and it must not be blank. A space at an end is a warning. */
const char *tt_source_phrase(const tt_source *source, yyjson_val *value, const char *what);

/* Finds fault with strings that stand in `values` more than once, in whichever order. `what` is what they are called. */
void tt_source_check_unique(const tt_source *source, yyjson_val *const *values, size_t count, const char *what);

/* `text` in `buffer`, cut short with "..." where it is long and without control characters; for messages. */
const char *tt_quote(const char *text, char buffer[static TT_QUOTE]);
