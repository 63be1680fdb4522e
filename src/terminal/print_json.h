/* print_json.h: the output of --json. */
#pragma once

#include "base/error.h"

#include <yyjson.h>

/* Prints `doc`, indented, to standard output, and frees it. NULL, or an incomplete document, is TT_ERROR_MEMORY. Bytes of
 * texts that are not UTF-8, as in some file names, are printed as U+FFFD. */
bool tt_print_json(yyjson_mut_doc *doc, tt_error *err);
