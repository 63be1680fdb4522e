/* print_json.h: the output of --json. */
#pragma once

#include "base/error.h"

#include <yyjson.h>

/* Prints `doc`, indented, to standard output, and frees it. NULL, or what memory was too short for, is TT_ERROR_MEMORY.
 * Texts that are no UTF-8, as file names may be, go out as they are. */
bool tt_print_json(yyjson_mut_doc *doc, tt_error *err);
