/* reference.h: the distributions from which a response was drawn. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* The distributions that a response's tokens were drawn from: at each position the most likely tokens and their
 * probabilities; all others count as one more. */
enum { TT_REFERENCE_TOKENS = 512 };
typedef struct tt_reference {
    size_t length;        /* positions: the response's tokens */
    size_t width;         /* tokens a position: TT_REFERENCE_TOKENS, or the vocabulary where that is smaller */
    int32_t *ids;         /* [length][width] */
    float *probabilities; /* [length][width] */
} tt_reference;           /* freed by tt_reference_free */

void tt_reference_free(tt_reference *reference); /* harmless on `{0}` */

/* ==== For score.c ==== */

/* Allocates `length` positions, to be filled one by one. */
bool tt_reference_make(tt_reference *reference, size_t length, size_t vocabulary, tt_error *err);
void tt_reference_fill(tt_reference *reference, size_t position, const float *logits, size_t vocabulary, double normaliser);

/* The expected log-probability under `logits` of a token drawn from the reference at `position`. */
double tt_reference_expect(const tt_reference *reference, size_t position, const float *logits, double normaliser);
