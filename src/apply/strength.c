/* strength.c: see strength.h */
#include "apply/strength.h"
#include "base/memory.h"
#include "model/capture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In lengths of the hidden state, on average over the layers. Tried with random directions in all layers: SmolLM2 135M
 * writes well at 0.10 and repeats itself at 0.15, Qwen2.5-Coder 1.5B writes well at 0.09 and breaks off at 0.29; at 1 and
 * more neither writes words. */
static const double too_strong = 0.1, drowning = 10;

/* ==== The model's hidden state ==== */

/* Adds the blocks' contributions up, block after block, and puts each sum's length into `lengths`. */
static void add_up(const float *contributions, const tt_model_facts *facts, double *sum, float *lengths) {
    for (uint32_t i = 0; i < facts->width; i++) sum[i] = 0;
    for (uint32_t block = 0; block < facts->blocks; block++) {
        double square = 0;
        for (uint32_t i = 0; i < facts->width; i++) {
            sum[i] += (double)contributions[(size_t)block * facts->width + i];
            square += sum[i] * sum[i];
        }
        lengths[block] = (float)sqrt(square);
    }
}

float *tt_strength_measure(tt_model *model, tt_error *err) {
    static const char text[] = "The ship left the harbour in the early morning, and nobody on the quay had expected it.";
    const tt_model_facts *facts = tt_model_facts_of(model);
    const tt_capture_options options = {0};
    tt_tokens tokens = {0};
    float *contributions = tt_alloc((size_t)facts->blocks * facts->width, sizeof *contributions, err);
    float *lengths = tt_alloc(facts->blocks, sizeof *lengths, err);
    double *sum = tt_alloc(facts->width, sizeof *sum, err);
    tt_capture *capture = NULL;
    bool ok = contributions && lengths && sum && tt_tokenize(model, text, strlen(text), &tokens, err);
    ok = ok && (capture = tt_capture_open(model, &options, err)) != NULL &&
         tt_capture_run(capture, &tokens, 1, NULL, contributions, err);
    if (ok) add_up(contributions, facts, sum, lengths);
    tt_capture_close(capture);
    tt_tokens_free(&tokens);
    free(contributions);
    free(sum);
    if (ok) return lengths;
    free(lengths);
    return NULL;
}

/* ==== Judging ==== */

static double longest_row(const tt_vector *vector) {
    double longest = 0;
    for (uint32_t K = 1; K < vector->layer_count; K++) longest = fmax(longest, tt_vector_row_norm(vector, K));
    return longest;
}

/* A set's vectors are as long as its classes lie apart: up to 1 no more is done than the classes do. Beyond, an evaluation
 * tells how far one may go; without one, their length does. */
static bool is_unmeasured(const tt_mix_part *part) {
    const tt_vector *vector = &part->vector;
    return fabs(part->scale) > 1 && vector->recommended[0] == 0 && vector->recommended[1] == 0;
}

bool tt_strength_matters(const tt_blend *blend) {
    for (size_t i = 0; i < blend->part_count; i++) {
        const tt_mix_part *part = &blend->parts[i];
        const bool of_a_set = part->vector.own || *part->vector.axis;
        if (of_a_set ? is_unmeasured(part) : fabs(part->scale) * longest_row(&part->vector) > 1) return true;
    }
    return false;
}

bool tt_strength_judge(tt_blend *blend, const float *lengths, bool force, tt_error *err) {
    double sum = 0;
    uint32_t rows = 0;
    for (uint32_t K = 1; K < blend->vector.layer_count; K++) {
        if (!blend->vector.rows[K] || !(lengths[K] > 0)) continue;
        sum += tt_vector_row_norm(&blend->vector, K) / (double)lengths[K];
        rows++;
    }
    const double share = rows ? sum / rows : 0;
    if (share < too_strong) return true;
    if (share < drowning || force)
        return tt_notes_add(
            &blend->warnings, err,
            "the mix is %.2g times as long as the model's own hidden state: beyond %.2g text soon falls apart", share,
            too_strong);
    return tt_fail(
        err, TT_ERROR_USAGE,
        "the mix is %.3g times as long as the model's own hidden state, of which nothing is left: multiply the scales "
        "by %.1g at most (--force overrides this)",
        share, too_strong / share);
}
