/* steering.c: see steering.h */
#include "apply/steering.h"

#include <math.h>

static bool check_finite(const tt_vector *vector, tt_error *err) {
    for (uint32_t K = 1; vector->rows && K < vector->layer_count; K++)
        for (uint32_t i = 0; vector->rows[K] && i < vector->width; i++)
            if (!isfinite(vector->rows[K][i]))
                return tt_fail(err, TT_ERROR_INPUT, "the mix is too strong: what it adds to block %u is no longer finite",
                               K);
    return true;
}

tt_steering *tt_steering_of_vector(const tt_model *model, const tt_vector *vector, tt_error *err) {
    if (!check_finite(vector, err)) return NULL;
    const tt_steering_term term = {
        .rows = vector->rows, .row_count = vector->rows ? vector->layer_count : 0, .width = vector->width};
    return tt_steering_make(model, &term, 1, err);
}
