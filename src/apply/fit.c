/* fit.c: see fit.h */
#include "apply/fit.h"
#include "apply/architectures.h"

#include <inttypes.h>
#include <string.h>

/* How messages call the model: "the model", or 'the file that it is known from'. */
typedef struct called {
    const char *open, *name, *close;
} called;

static called name_of(const tt_vector_target *target) {
    return target->owner ? (called){"'", target->owner, "'"} : (called){"the model", "", ""};
}

/* ==== What must agree ==== */

static bool numbers_fit(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    const called model = name_of(target);
    const uint32_t last = tt_vector_last_row(vector);
    if (vector->width != target->width)
        return tt_fail(why, TT_ERROR_INPUT,
                       "'%s' is for another model: its hidden size is %" PRIu32 ", and that of %s%s%s is %" PRIu32,
                       tt_vector_title(vector), vector->width, model.open, model.name, model.close, target->width);
    if (target->layer_count && last >= target->layer_count)
        return tt_fail(why, TT_ERROR_INPUT,
                       "'%s' is for another model: it steers layer %" PRIu32 ", and the last one of %s%s%s is %" PRIu32,
                       tt_vector_title(vector), last, model.open, model.name, model.close, target->layer_count - 1);
    return true;
}

/* ==== What is hinted ==== */

static bool hints_agree(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    const called model = name_of(target);
    if (*vector->architecture && *target->architecture && !tt_architecture_is(vector->architecture, target->architecture) &&
        !tt_architecture_is(target->architecture, vector->architecture))
        return tt_fail(
            why, TT_ERROR_INPUT, "'%s' is for another model: its architecture is '%s', and that of %s%s%s is '%s'",
            tt_vector_title(vector), vector->architecture, model.open, model.name, model.close, target->architecture);
    if (target->layer_count && vector->layer_count_given && vector->layer_count != target->layer_count)
        return tt_fail(why, TT_ERROR_INPUT, "'%s' is for another model: one of %" PRIu32 " layers, and %s%s%s has %" PRIu32,
                       tt_vector_title(vector), vector->layer_count, model.open, model.name, model.close,
                       target->layer_count);
    if (*vector->fingerprint && *target->fingerprint && strcmp(vector->fingerprint, target->fingerprint) != 0)
        return tt_fail(why, TT_ERROR_INPUT, "'%s' is for another model, '%s': the fingerprint of %s%s%s is another one",
                       tt_vector_title(vector), vector->model_name, model.open, model.name, model.close);
    return true;
}

tt_fit tt_fit_judge(const tt_vector *vector, const tt_vector_target *target, tt_error *why) {
    if (!numbers_fit(vector, target, why)) return TT_FIT_NEVER;
    if (hints_agree(vector, target, why)) return TT_FIT_WHOLE;
    return *vector->fingerprint ? TT_FIT_OTHER : TT_FIT_DOUBT;
}

bool tt_fit_settle(tt_vector *vector, const tt_vector_target *target, bool force, tt_notes *notes, tt_error *err) {
    tt_error why = {0};
    switch (tt_fit_judge(vector, target, &why)) {
    case TT_FIT_WHOLE:
        return true;
    case TT_FIT_OTHER:
        if (!force) return tt_fail(err, why.kind, "%s (--force overrides this)", why.message);
        return tt_notes_add(notes, err, "%s", why.message);
    case TT_FIT_DOUBT:
        return tt_notes_add(notes, err, "%s", why.message);
    case TT_FIT_NEVER:
        break;
    }
    return tt_fail(err, why.kind, "%s", why.message);
}
