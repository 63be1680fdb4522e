/* score.h: the log-likelihood of given responses, under many steerings at once.
 *
 * Teacher forcing: a response's tokens are fed after its prompt, whatever the model itself would have written, and the
 * log-probability of each is read from the logits before it. Texts with a common beginning are computed as a tree
 * (trie.h). Each steering has its own key-value cache from the first steered block on, so steerings share nothing; but
 * the trees of several steerings go through the model in one batch. */
#pragma once

#include "model/model.h"
#include "model/reference.h"
#include "model/steering.h"

typedef struct tt_score tt_score;

typedef struct tt_score_text {
    tt_tokens prompt, response; /* borrowed; neither is empty */
} tt_score_text;

tt_score *tt_score_open(tt_model *model, tt_error *err);
void tt_score_close(tt_score *score); /* harmless on NULL */

/* Writes the sum of the natural log-probabilities of response t's tokens under steering s to log_likelihoods[s *
 * text_count + t]. With `references` (one per text; otherwise NULL) it is the sum, over positions, of the expected
 * log-probability of a token drawn from the reference: the same on average, with much less noise, because the luck of the
 * draws is averaged out (Rao and Blackwell). Fails with TT_ERROR_INTERRUPTED soon after `*cancel` (may be NULL) becomes
 * true; with TT_ERROR_INPUT for an empty prompt or response, or a text longer than the model's context. */
bool tt_score_run(tt_score *score, const tt_score_text *texts, const tt_reference *references, size_t text_count,
                  tt_steering *const *steerings, size_t steering_count, const atomic_bool *cancel, double *log_likelihoods,
                  tt_error *err);

/* The unsteered model's distributions at each text's response, as references. They are computed in the way the model
 * writes, while tt_score_run arranges its cache so that a text's place in it does not matter (tt_context_cache_exact). So
 * with quantised activations the two round differently, as any two steerings do. The cost of that rounding is the same in
 * all likelihoods of tt_score_run, and cancels in their differences. */
bool tt_score_references(tt_score *score, const tt_score_text *texts, size_t text_count, const atomic_bool *cancel,
                         tt_reference *references, tt_error *err);

/* The number of tokens that went through the model so far. */
uint64_t tt_score_tokens(const tt_score *score);
