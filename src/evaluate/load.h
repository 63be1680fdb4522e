/* load.h: a folder's vectors, axis by axis, each with the phrases it was trained on. */
#pragma once

#include "evaluate/evaluate.h"

typedef struct tt_loaded_axis {
    tt_axis axis;
    tt_vector debias, sides[2];
} tt_loaded_axis;

typedef struct tt_loaded {
    tt_loaded_axis *axes;
    tt_evaluate_axis *refer; /* [axis]: the same, as tt_evaluate takes it */
    size_t count;
} tt_loaded; /* freed by tt_loaded_free */

/* Loads the vectors of `names` (built-in axes or axis files; with a count of 0 of every built-in axis that the folder has
 * vectors of). Refused: a folder without any, an axis that lacks one of its three files, axes whose phrases are nowhere to
 * be found. `model` NULL: any model's vectors; else those of another are passed over, or refused where there are no others.
 */
bool tt_load_vectors(tt_loaded *loaded, const char *folder, const char *const *names, size_t name_count,
                     const tt_model *model, tt_error *err);
void tt_loaded_free(tt_loaded *loaded); /* harmless on `{0}` */

/* Writes the recommended values into the three files of each axis, and beside them what was measured, as
 * {model}-{axis}__evaluation.json. */
bool tt_save_evaluation(tt_loaded *loaded, const tt_evaluation *evaluation, tt_error *err);
