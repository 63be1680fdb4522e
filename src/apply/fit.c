/* fit.c: see fit.h */
#include "apply/fit.h"
#include "apply/architectures.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How messages call the model: "the model", or 'the file that it is known from'. */
typedef struct called {
    const char *open, *name, *close;
} called;

static called name_of(const tt_vector_target *target) {
    return target->owner ? (called){"'", target->owner, "'"} : (called){"the model", "", ""};
}

/* ==== Which layer a direction is for ==== */

/* llama.cpp counts blocks from 0, and a control vector cannot reach block 0: so direction.1 is the first, and a model of L
 * blocks takes L - 1. A file with a direction.0 was counted otherwise. One direction for each of the model's blocks: the
 * numbers are the blocks', and block 0's cannot be applied. L - 1 of them, from 0 on without a gap: each number is one less
 * than llama.cpp's. Anything else is taken to be the blocks' own numbers. */
static bool is_shifted(const tt_vector *vector, uint32_t layer_count) {
    return vector->from_zero && vector->tensors == vector->highest + 1 && vector->highest + 2 == layer_count;
}

/* The blocks of the model, or where they are not known those that the file tells of; 0: nobody tells. */
static uint32_t layers_of(const tt_vector *vector, const tt_vector_target *target) {
    if (target->layer_count) return target->layer_count;
    return vector->layer_count_given ? vector->layer_count : 0;
}

static uint32_t last_layer(const tt_vector *vector, const tt_vector_target *target) {
    return tt_vector_last_row(vector) + is_shifted(vector, layers_of(vector, target));
}

/* ==== What must agree ==== */

static bool numbers_fit(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    const called model = name_of(target);
    const uint32_t last = last_layer(vector, target);
    if (vector->width != target->width)
        return tt_fail(why, TT_ERROR_INPUT,
                       "'%s' is for another model: its hidden size is %" PRIu32 ", and that of %s%s%s is %" PRIu32,
                       tt_vector_title(vector), vector->width, model.open, model.name, model.close, target->width);
    /* Only trimtab's own files are known to number layers as the model does: of others, what lies beyond is left out. */
    const bool strict = *vector->fingerprint || target->owner;
    if (target->layer_count && (strict ? last : vector->lowest) >= target->layer_count)
        return tt_fail(why, TT_ERROR_INPUT,
                       "'%s' is for another model: it steers layer %" PRIu32 ", and the last one of %s%s%s is %" PRIu32,
                       tt_vector_title(vector), last, model.open, model.name, model.close, target->layer_count - 1);
    if (!layers_of(vector, target) && vector->from_zero && vector->tensors == vector->highest + 1)
        return tt_fail(why, TT_ERROR_INPUT,
                       "'%s' counts its directions from 0, and only the model tells which layers it means: name the model",
                       tt_vector_title(vector));
    return true;
}

/* ==== What is hinted ==== */

static bool hints_agree(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    const called model = name_of(target);
    const char *is = *vector->fingerprint ? "is" : "may be"; /* what only hints may be wrong */
    if (*vector->architecture && *target->architecture && !tt_architecture_is(vector->architecture, target->architecture) &&
        !(target->owner && tt_architecture_is(target->architecture, vector->architecture)))
        return tt_fail(
            why, TT_ERROR_INPUT, "'%s' %s for another model: its architecture is '%s', and that of %s%s%s is '%s'",
            tt_vector_title(vector), is, vector->architecture, model.open, model.name, model.close, target->architecture);
    if (target->layer_count && vector->layer_count_given && vector->layer_count != target->layer_count)
        return tt_fail(why, TT_ERROR_INPUT, "'%s' %s for another model: one of %" PRIu32 " layers, and %s%s%s has %" PRIu32,
                       tt_vector_title(vector), is, vector->layer_count, model.open, model.name, model.close,
                       target->layer_count);
    if (*vector->fingerprint && *target->fingerprint && strcmp(vector->fingerprint, target->fingerprint) != 0)
        return tt_fail(why, TT_ERROR_INPUT, "'%s' is for another model, '%s': the fingerprint of %s%s%s is another one",
                       tt_vector_title(vector), vector->model_name, model.open, model.name, model.close);
    return true;
}

static bool layers_agree(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    const uint32_t last = last_layer(vector, target);
    return !target->layer_count || last < target->layer_count ||
           tt_fail(why, TT_ERROR_INPUT,
                   "'%s' has directions up to layer %" PRIu32 ", and the model's last layer is %" PRIu32
                   ": those beyond it are not applied",
                   tt_vector_title(vector), last, target->layer_count - 1);
}

static bool is_added(const tt_vector *vector, tt_error *why) {
    return !vector->operation ||
           tt_fail(
               why, TT_ERROR_INPUT,
               "'%s' is not made to be added to a model's state (its key %s), which is all that can be done with it here",
               tt_vector_title(vector), vector->operation);
}

tt_fit tt_fit_judge(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    if (!numbers_fit(vector, target, why)) return TT_FIT_NEVER;
    if (!is_added(vector, why)) return TT_FIT_OTHER;
    if (!hints_agree(vector, target, why)) return *vector->fingerprint ? TT_FIT_OTHER : TT_FIT_DOUBT;
    return layers_agree(vector, target, why) ? TT_FIT_WHOLE : TT_FIT_DOUBT;
}

/* ==== Making it fit ==== */

/* direction.N becomes row N + 1. */
static bool shift_rows(tt_vector *vector, tt_error *err) {
    const uint32_t count = vector->highest + 2;
    if (vector->layer_count < count && !tt_resize(&vector->rows, count, sizeof *vector->rows, err)) return false;
    memmove(vector->rows + 1, vector->rows, (count - 1) * sizeof *vector->rows);
    vector->rows[0] = NULL;
    if (vector->layer_count < count) vector->layer_count = count;
    vector->highest++;
    vector->lowest = 1;
    return true;
}

static bool number_rows(tt_vector *vector, const tt_vector_target *target, tt_notes *notes, tt_error *err) {
    if (!vector->from_zero || !vector->rows[0]) return true;
    const bool shifted = is_shifted(vector, layers_of(vector, target));
    if (shifted ? !shift_rows(vector, err)
                : !tt_notes_add(notes, err,
                                "'%s' has a direction for layer 0, which control vectors do not reach: it is not applied",
                                tt_vector_title(vector)))
        return false;
    free(vector->rows[0]);
    vector->rows[0] = NULL;
    vector->from_zero = false;
    return !shifted || tt_notes_add(notes, err, "'%s' counts its directions from 0: its direction.0 is applied at layer 1",
                                    tt_vector_title(vector));
}

static void drop_rows_beyond(tt_vector *vector, uint32_t layer_count) {
    for (uint32_t K = layer_count; layer_count && K < vector->layer_count; K++) {
        free(vector->rows[K]);
        vector->rows[K] = NULL;
    }
    if (layer_count && vector->highest >= layer_count) vector->highest = layer_count - 1;
}

/* What there is to say, and whether it stands in the way. */
static bool speak(const tt_error *why, bool refuse, tt_notes *notes, tt_error *err) {
    return refuse ? tt_fail(err, why->kind, "%s (--force overrides this)", why->message)
                  : tt_notes_add(notes, err, "%s", why->message);
}

bool tt_fit_settle(tt_vector *vector, const tt_vector_target *target, bool force, tt_notes *notes, tt_error *err) {
    tt_error why = {0};
    if (!numbers_fit(vector, target, err) || (!is_added(vector, &why) && !speak(&why, !force, notes, err))) return false;
    if (!hints_agree(vector, target, &why) && !speak(&why, !force && *vector->fingerprint, notes, err)) return false;
    if (!layers_agree(vector, target, &why) && !speak(&why, false, notes, err)) return false;
    if (!number_rows(vector, target, notes, err)) return false;
    drop_rows_beyond(vector, target->layer_count);
    return tt_vector_norm(vector) > 0 ||
           tt_notes_add(notes, err, "'%s' steers nothing: all of its values are 0", tt_vector_title(vector));
}
