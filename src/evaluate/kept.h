/* kept.h: texts that were written and read, kept in a file, so that an evaluation which was stopped goes on. Each is known
 * by a digest of all that it depends on: what was written once need not be written again, whatever else is asked for.
 * Private to evaluate/. */
#pragma once

#include "base/hash.h"
#include "model/model.h"

typedef struct tt_kept_text {
    char key[TT_HASH_TEXT];
    tt_tokens tokens;
    bool read;                   /* what follows is known */
    double own, asked[2], other; /* as in tt_reading; not finite where that was not read */
    double *scores;              /* [axis]; NaN where that was not asked */
} tt_kept_text;

typedef struct tt_kept {
    const char *path; /* borrowed; NULL: nothing is kept */
    tt_kept_text *texts;
    size_t count, capacity, axis_count, unsaved;
} tt_kept; /* freed by tt_kept_close */

/* Reads what an earlier evaluation has left at `path` (may be NULL). A file that cannot be understood counts as none. */
bool tt_kept_open(tt_kept *kept, const char *path, size_t axis_count, tt_error *err);
void tt_kept_close(tt_kept *kept); /* the file stays; harmless on `{0}` */

/* The text of this key; NULL where there is none. Valid until the next is added. */
const tt_kept_text *tt_kept_find(const tt_kept *kept, const char *key);

/* Adds a text, or what was read of it; everything is copied. Now and then the file is written. */
bool tt_kept_put(tt_kept *kept, const tt_kept_text *text, tt_error *err);

/* Writes the file, where something is not in it yet. */
bool tt_kept_save(tt_kept *kept, tt_error *err);
