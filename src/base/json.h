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

/* "a number", "an array", ...: what a value is, for messages; "null" for NULL too. */
const char *tt_json_kind(yyjson_val *value);

/* A document without a root; one whose root, also in `*root`, is an empty object. NULL when
 * memory is short, which yyjson's functions bear. Where a value finds no room later they leave it out and go on: only the
 * document knows of that, and tt_json_text and tt_json_write report it. The caller frees with yyjson_mut_doc_free. */
yyjson_mut_doc *tt_json_new(void);
yyjson_mut_doc *tt_json_object(yyjson_mut_val **root);

/* What was to go into it could not be made for want of memory: from now on the document is incomplete. NULL does no harm. */
void tt_json_lacks(yyjson_mut_doc *doc);
bool tt_json_complete(const yyjson_mut_doc *doc); /* false for NULL too */

/* The text of such a document, zero-terminated beyond `*length` (unless NULL). It is UTF-8 whatever the strings hold: U+FFFD
 * stands for each byte that is none, as a file's name may have it. NULL when memory is short, or was at any time while the
 * document was made. The caller frees it, and the document. */
char *tt_json_text(const yyjson_mut_doc *doc, yyjson_write_flag flags, size_t *length, tt_error *err);

/* Writes such a document, indented by two spaces, to `path` (all or nothing). */
bool tt_json_write(const char *path, const yyjson_mut_doc *doc, tt_error *err);
