/* reference.c: see reference.h
 *
 * The tokens that are not among the likeliest are lumped together, on both sides. By the data-processing inequality this
 * can only reduce the divergence between two distributions, and keeps it 0 if they are equal. */
#include "model/reference.h"
#include "base/memory.h"
#include "model/largest.h"

#include <math.h>
#include <stdlib.h>

static const double LEAST_REST = 1e-9; /* the lump's least probability: rounding may leave none */

bool tt_reference_make(tt_reference *reference, size_t length, size_t vocabulary, tt_error *err) {
    const size_t width = vocabulary < TT_REFERENCE_TOKENS ? vocabulary : TT_REFERENCE_TOKENS;
    *reference = (tt_reference){.length = length, .width = width};
    reference->ids = tt_alloc(length * width, sizeof *reference->ids, err);
    reference->probabilities = tt_alloc(length * width, sizeof *reference->probabilities, err);
    if (reference->ids && reference->probabilities) return true;
    tt_reference_free(reference);
    return false;
}

void tt_reference_free(tt_reference *reference) {
    free(reference->ids);
    free(reference->probabilities);
    *reference = (tt_reference){0};
}

void tt_reference_fill(tt_reference *reference, size_t position, const float *logits, size_t vocabulary, double normaliser) {
    int32_t *tokens = reference->ids + position * reference->width;
    tt_largest(logits, vocabulary, tokens, reference->width);
    float *probabilities = reference->probabilities + position * reference->width;
    for (size_t i = 0; i < reference->width; i++) probabilities[i] = (float)exp((double)logits[tokens[i]] - normaliser);
}

static double rest_of(double sum) { return 1 - sum > LEAST_REST ? 1 - sum : LEAST_REST; }

double tt_reference_expect(const tt_reference *reference, size_t position, const float *logits, double normaliser) {
    const int32_t *ids = reference->ids + position * reference->width;
    const float *probabilities = reference->probabilities + position * reference->width;
    double expected = 0, own = 0, other = 0;
    for (size_t i = 0; i < reference->width; i++) {
        const double probability = (double)probabilities[i], log_probability = (double)logits[ids[i]] - normaliser;
        expected += probability * log_probability;
        own += probability;
        other += exp(log_probability);
    }
    return expected + rest_of(own) * log(rest_of(other));
}
