/* shared_steering.c: see shared_steering.h */
#include "model/shared_steering.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tt_shared_steering {
    atomic_uint references;
    tt_steering steering;
    const float **rows; /* what `steering` points to: into `values`, or NULL */
    float *values;      /* row_count x width */
};

static bool copy_row(tt_shared_steering *shared, uint32_t K, const float *row, uint32_t width, tt_error *err) {
    for (uint32_t i = 0; i < width; i++)
        if (!isfinite(row[i]))
            return tt_fail(err, TT_ERROR_INPUT, "the mix is too strong: what it adds to block %u is no number any more", K);
    float *copy = shared->values + (size_t)K * width;
    memcpy(copy, row, width * sizeof *copy);
    shared->rows[K] = copy;
    return true;
}

tt_shared_steering *tt_shared_steering_make(const tt_model *model, const float *const *rows, uint32_t row_count,
                                            uint32_t width, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    if (row_count > facts->blocks || width != facts->width) {
        tt_fail(err, TT_ERROR_INPUT,
                "steering made for %u blocks of width %u does not fit this model, which has %u of width %u", row_count,
                width, facts->blocks, facts->width);
        return NULL;
    }
    tt_shared_steering *shared = tt_alloc(1, sizeof *shared, err);
    if (!shared) return NULL;
    atomic_init(&shared->references, 1);
    shared->rows = tt_alloc(row_count, sizeof *shared->rows, err);
    shared->values = tt_alloc((size_t)row_count * width, sizeof *shared->values, err);
    bool ok = shared->rows && shared->values;
    for (uint32_t K = 1; K < row_count && ok; K++)
        if (rows[K]) ok = copy_row(shared, K, rows[K], width, err);
    shared->steering = (tt_steering){shared->rows, row_count};
    if (ok) return shared;
    tt_shared_steering_release(shared);
    return NULL;
}

tt_shared_steering *tt_shared_steering_hold(tt_shared_steering *steering) {
    if (steering) atomic_fetch_add(&steering->references, 1);
    return steering;
}

void tt_shared_steering_release(tt_shared_steering *steering) {
    if (!steering || atomic_fetch_sub(&steering->references, 1) != 1) return;
    free(steering->rows);
    free(steering->values);
    free(steering);
}

const tt_steering *tt_shared_steering_of(const tt_shared_steering *steering) {
    return steering ? &steering->steering : NULL;
}
