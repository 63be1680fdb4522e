/* sum.c: see sum.h */
#include "vectors/sum.h"
#include "base/memory.h"

#include <stdlib.h>

/* `values` is room for one row. */
static bool sum_row(tt_vector *sum, const tt_summand *parts, size_t count, uint32_t K, double *values, tt_error *err) {
    bool any = false;
    for (uint32_t i = 0; i < sum->width; i++) values[i] = 0;
    for (size_t p = 0; p < count; p++) {
        const tt_vector *vector = parts[p].vector;
        const float *row = K < vector->layer_count ? vector->rows[K] : NULL;
        any = any || row;
        for (uint32_t i = 0; row && i < sum->width; i++) values[i] += parts[p].scale * (double)row[i];
    }
    if (!any) return true;
    float *row = sum->rows[K] = tt_alloc(sum->width, sizeof *row, err);
    if (!row) return false;
    for (uint32_t i = 0; i < sum->width; i++) row[i] = (float)values[i];
    return true;
}

bool tt_vector_sum(tt_vector *sum, const tt_summand *parts, size_t count, uint32_t first, uint32_t last, tt_error *err) {
    double *values = tt_alloc(sum->width, sizeof *values, err);
    bool ok = values != NULL;
    for (uint32_t K = first > 1 ? first : 1; ok && K < sum->layer_count && K <= last; K++)
        ok = sum_row(sum, parts, count, K, values, err);
    free(values);
    return ok;
}
