/* json.h: yyjson, with errors that name the file and the line. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

/* Parses `length` bytes of JSON. `name` is its name in messages (a path). NULL on failure: "NAME:LINE: not valid JSON:
 * ...", or not UTF-8. The caller frees with yyjson_doc_free. */
yyjson_doc *tt_json_parse(const char *name, const char *bytes, size_t length, tt_error *err);

/* Like tt_json_parse, but puts the line in `*line` instead of "NAME:LINE: " in the message; 0 when out of memory. */
yyjson_doc *tt_json_parse_at(const char *bytes, size_t length, size_t *line, tt_error *err);

/* The 1-based line where each value of `doc`, parsed from these bytes, begins: one entry per value, keys included, in the
 * order of the text, for tt_json_line. NULL when out of memory. The caller frees it. */
uint32_t *tt_json_lines(yyjson_doc *doc, const char *bytes, size_t length, tt_error *err);
size_t tt_json_line(yyjson_doc *doc, const uint32_t *lines, yyjson_val *value);

/* The kind of a value, for messages: "a number", "an array", ...; "null" also for NULL. */
const char *tt_json_kind(yyjson_val *value);

/* A document without a root; a document whose root, also in `*root`, is an empty object. NULL when out of memory;
 * yyjson's functions accept that. When memory runs out later, they skip a value and continue; the document records that,
 * and tt_json_text and tt_json_write report it. The caller frees it with yyjson_mut_doc_free. */
yyjson_mut_doc *tt_json_new(void);
yyjson_mut_doc *tt_json_object(yyjson_mut_val **root);

/* Marks the document as incomplete, because memory was too short to make some of its content. Harmless on NULL. */
void tt_json_lacks(yyjson_mut_doc *doc);
bool tt_json_complete(const yyjson_mut_doc *doc); /* false also for NULL */

/* The text of such a document, with a zero byte after its `*length` bytes (`length` may be NULL). It is always UTF-8:
 * U+FFFD replaces each invalid byte, as file names may contain. NULL when out of memory, now or while the document was
 * made. The caller frees the text and the document. */
char *tt_json_text(const yyjson_mut_doc *doc, yyjson_write_flag flags, size_t *length, tt_error *err);

/* Writes such a document, indented by two spaces, to `path` (all or nothing). */
bool tt_json_write(const char *path, const yyjson_mut_doc *doc, tt_error *err);
