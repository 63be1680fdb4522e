/* json.h: yyjson, with errors that name the file and the line. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

/* Parses `length` bytes of JSON. `name` is what messages call it (a path). NULL on failure: "NAME:LINE: not valid JSON:
 * ...", or not UTF-8. The caller frees with yyjson_doc_free. */
yyjson_doc *tt_json_parse(const char *name, const char *bytes, size_t length, tt_error *err);

/* As tt_json_parse, with the line in `*line` instead of "NAME:LINE: " in the message; 0 where memory was short. */
yyjson_doc *tt_json_parse_at(const char *bytes, size_t length, size_t *line, tt_error *err);

/* The 1-based line that each value of `doc`, parsed from these bytes, begins at: one entry a value, keys included, in the
 * order of the text, as tt_json_line looks them up. NULL when memory is short. The caller frees. */
uint32_t *tt_json_lines(yyjson_doc *doc, const char *bytes, size_t length, tt_error *err);
size_t tt_json_line(yyjson_doc *doc, const uint32_t *lines, yyjson_val *value);

/* A document whose root, also in `*root`, is an empty object. Both are NULL when memory is short, which yyjson's functions
 * bear and tt_json_write reports. The caller frees with yyjson_mut_doc_free. */
yyjson_mut_doc *tt_json_object(yyjson_mut_val **root);

/* Writes `doc`, indented by two spaces, to `path` (all or nothing). */
bool tt_json_write(const char *path, const yyjson_mut_doc *doc, tt_error *err);
