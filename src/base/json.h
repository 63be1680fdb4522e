/* json.h: yyjson, with errors that name the file and the line. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <yyjson.h>

/* Parses `length` bytes of JSON. `name` is what messages call it (a path). NULL on failure: "NAME:LINE: not valid JSON:
 * ...", or not UTF-8. The caller frees with yyjson_doc_free. */
yyjson_doc *tt_json_parse(const char *name, const char *bytes, size_t length, tt_error *err);

/* Writes `doc`, indented by two spaces, to `path` (all or nothing). */
bool tt_json_write(const char *path, const yyjson_mut_doc *doc, tt_error *err);
