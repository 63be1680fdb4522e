/* notes.h: sentences for the user about what is not wrong enough to stop: warnings, files passed over. The caller prints. */
#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct tt_notes {
    char **items; /* one sentence each, without a full stop at its end */
    size_t count, capacity;
} tt_notes; /* starts as `{0}`; ends with tt_notes_free */

bool tt_notes_add(tt_notes *notes, tt_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds all of `from`. */
bool tt_notes_add_all(tt_notes *notes, const tt_notes *from, tt_error *err);
void tt_notes_free(tt_notes *notes);
