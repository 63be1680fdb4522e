/* fit.h: the one answer to "does this vector fit this model?", in one sentence.
 *
 * A vector file must agree with the model in its width and in having a layer in common with it. What else it says (the
 * name of an architecture, a number of layers) is a hint, which other tools write in ways of their own: where it
 * disagrees, the user is warned. Only trimtab's own files, which carry the model's fingerprint, are taken at their word. */
#pragma once

#include "base/notes.h"
#include "vectors/vector.h"

/* What a vector must fit: a model, as far as it is known. Strings may be "" (not known), layer_count 0. Nothing is copied.
 */
typedef struct tt_vector_target {
    const char *architecture, *fingerprint;
    uint32_t width, layer_count; /* d, L */
    const char *owner;           /* the file that this was taken from, where no model is known; NULL: it is the model */
} tt_vector_target;

typedef enum tt_fit {
    TT_FIT_NEVER, /* the numbers do not fit: it cannot be applied */
    TT_FIT_OTHER, /* trimtab made it for another model: refused, unless forced */
    TT_FIT_DOUBT, /* a hint disagrees: applied with a warning */
    TT_FIT_WHOLE,
} tt_fit;

/* Judges by the vector's keys alone, so its rows need not have been read. `why` (may be NULL) says what is wrong, except
 * for TT_FIT_WHOLE. */
tt_fit tt_fit_judge(const tt_vector *vector, const tt_vector_target *target, tt_error *why);

/* Makes sure that a vector which was read can be applied: false where it does not fit (`force` lets another model's pass),
 * a note where there is doubt. */
bool tt_fit_settle(tt_vector *vector, const tt_vector_target *target, bool force, tt_notes *notes, tt_error *err);
