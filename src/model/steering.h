/* steering.h: a control vector as the model room takes it: what is added to the residual stream, block by block. */
#pragma once

#include <stddef.h>

typedef struct tt_steering {
    const float *const
        *rows;        /* [row_count]: row K, `width` values, is added to the output of block K at every token; or NULL */
    size_t row_count; /* at most the model's blocks; 0: nothing is added */
} tt_steering;        /* borrows its rows */

/* What is added to the output of a block; NULL: nothing, as where `steering` is NULL. */
static inline const float *tt_steering_row(const tt_steering *steering, size_t block) {
    return steering && block < steering->row_count ? steering->rows[block] : NULL;
}
