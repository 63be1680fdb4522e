/* notes.h: sentences for the user about problems that need not stop the work: warnings, skipped files. The caller prints
 * them. */
#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct tt_notes {
    char **items; /* one sentence each, without a final full stop */
    size_t count, capacity;
} tt_notes; /* starts as `{0}`; ends with tt_notes_free */

bool tt_notes_add(tt_notes *notes, tt_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds all of `from`. */
bool tt_notes_add_all(tt_notes *notes, const tt_notes *from, tt_error *err);
void tt_notes_free(tt_notes *notes);
