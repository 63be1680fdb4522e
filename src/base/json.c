/* json.c: see json.h */
#include "base/json.h"
#include "base/file.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>

yyjson_doc *tt_json_parse(const char *name, const char *bytes, size_t length, tt_error *err) {
    size_t bad;
    if (!tt_utf8_valid(bytes, length, &bad)) {
        tt_fail(err, TT_ERROR_INPUT, "%s:%zu: not UTF-8 text; save the file as UTF-8", name, tt_line_of(bytes, bad));
        return NULL;
    }
    yyjson_read_err why;
    /* Without the in-situ flag yyjson only reads: its parameter is not const because one function serves both. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)bytes, length, YYJSON_READ_NOFLAG, NULL, &why);
    if (!doc)
        tt_fail(err, why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? TT_ERROR_MEMORY : TT_ERROR_INPUT,
                "%s:%zu: not valid JSON: %s", name, tt_line_of(bytes, why.pos < length ? why.pos : length), why.msg);
    return doc;
}

bool tt_json_write(const char *path, const yyjson_mut_doc *doc, tt_error *err) {
    size_t length;
    yyjson_write_err why;
    char *text =
        yyjson_mut_write_opts(doc, YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_NEWLINE_AT_END, NULL, &length, &why);
    if (!text) return tt_fail(err, TT_ERROR_MEMORY, "cannot write '%s': %s", path, why.msg);
    const bool ok = tt_file_write(path, text, length, err);
    free(text);
    return ok;
}
