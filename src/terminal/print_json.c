/* print_json.c: see print_json.h */
#include "terminal/print_json.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>

bool tt_print_json(yyjson_mut_doc *doc, tt_error *err) {
    const yyjson_write_flag flags = YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_NEWLINE_AT_END;
    char *text = tt_json_text(doc, flags, NULL, err);
    if (text) fputs(text, stdout);
    const bool ok = text != NULL;
    free(text);
    yyjson_mut_doc_free(doc);
    return ok;
}
