/* steering.h: what steers a token: a list of terms, each an operator with a scope and one row per block.
 *
 * Immutable and reference-counted: each owner holds a reference, on any thread, and the last release frees it. NULL is
 * the steering that does nothing. Two conversations are steered alike if tt_steering_equal says so, and only then may one
 * use the hidden states of the other. */
#pragma once

#include "model/model.h"

typedef enum tt_operator {
    TT_OPERATOR_ADD, /* h += row */
} tt_operator;

typedef enum tt_scope {
    TT_SCOPE_EVERY_TOKEN,
} tt_scope;

typedef struct tt_steering_term {
    tt_operator operator;
    tt_scope scope;
    float *const *rows; /* [row_count]: row K, `width` values, acts on the output of block K; NULL if nothing does. Row 0 is
                           ignored: control vectors begin at block 1. */
    uint32_t row_count, width;
} tt_steering_term;

typedef struct tt_steering tt_steering;

/* Copies the terms and their rows; the caller gets one reference. Rows of zeros count as absent. Fails if a term's shape
 * is not the model's. */
tt_steering *tt_steering_make(const tt_model *model, const tt_steering_term *terms, size_t term_count, tt_error *err);

/* Adds or drops a reference. Harmless on NULL, which tt_steering_hold returns. */
tt_steering *tt_steering_hold(tt_steering *steering);
void tt_steering_release(tt_steering *steering);

/* Whether both do the same to every token. */
bool tt_steering_equal(const tt_steering *a, const tt_steering *b);

/* Whether anything acts on the output of `block`; on that of any block. */
bool tt_steering_acts(const tt_steering *steering, size_t block);
bool tt_steering_acts_at_all(const tt_steering *steering);

/* Whether it adds the same sum at every token, as libllama's own control vector does. */
bool tt_steering_is_constant(const tt_steering *steering);

/* Steers `h`, one token's output of `block`, in place. */
void tt_steering_apply(const tt_steering *steering, size_t block, float *h);
