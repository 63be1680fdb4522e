/* sum.h: adds up control vectors, each at a scale. */
#pragma once

#include "vectors/vector.h"

typedef struct tt_summand {
    const tt_vector *vector;
    double scale;
} tt_summand;

/* Sets rows `first` to `last` of `sum` (which has no rows yet and the summands' width) to sum_i scale_i * row_i: in
 * double precision, in the order of `parts`, rounded once. A row that no summand has is left out. A value too large for
 * F32 becomes infinite. */
bool tt_vector_sum(tt_vector *sum, const tt_summand *parts, size_t count, uint32_t first, uint32_t last, tt_error *err);
