/* logits.h: what a model thinks of every position of a text, straight from libllama: the peer that steering and baking are
 * held against. An engine (model/engine.h) must be running. */
#pragma once

#include "vectors/vector.h"

#include <stddef.h>

typedef struct test_logits {
    float *values; /* [positions][vocabulary]; free() */
    size_t positions, vocabulary;
} test_logits;

/* Reads the first `positions` tokens of a passage of English prose in one batch. `exact`: with keys and values in F32 and
 * without flash attention, which rounds some sums to half precision. `vector` (may be NULL) steers as llama.cpp does it.
 * Fails the running test where it cannot. */
test_logits test_logits_compute(const char *model, size_t positions, bool exact, const tt_vector *vector);

/* The mean Kullback-Leibler divergence of b's next-token distribution from a's, in nats; and the largest difference of any
 * two logits. */
double test_logits_divergence(const test_logits *a, const test_logits *b);
double test_logits_difference(const test_logits *a, const test_logits *b);
