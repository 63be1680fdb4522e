/* print_json.c: see print_json.h */
#include "cli/print_json.h"

#include <stdio.h>
#include <stdlib.h>

bool tt_print_json(yyjson_mut_doc *doc, tt_error *err) {
    const yyjson_write_flag flags =
        YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_NEWLINE_AT_END | YYJSON_WRITE_ALLOW_INVALID_UNICODE;
    char *text = doc ? yyjson_mut_write(doc, flags, NULL) : NULL;
    if (text) fputs(text, stdout);
    const bool ok = text || tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}
