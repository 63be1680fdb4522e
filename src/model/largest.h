/* largest.h: the likeliest tokens of a vocabulary. Private to model/.
 *
 * A heap of `count` tokens with the least likely on top, so that a long list costs little more than looking at each
 * logit. Of equal logits, the smaller token's counts as larger. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The tokens of the `count` largest of `vocabulary` logits, count <= vocabulary, in no particular order. */
void tt_largest(const float *logits, size_t vocabulary, int32_t *tokens, size_t count);

/* Sorts the result of tt_largest, the largest first. */
void tt_largest_sort(const float *logits, int32_t *tokens, size_t count);
