/* score.h: how likely a model finds given responses, under many steerings at once.
 *
 * Teacher forcing: a response's tokens are fed behind its prompt, whatever the model itself would have written, and the
 * log-probability of each is read from the logits before it. Texts that begin alike are computed as a tree (trie.h). A
 * steered model's key-value cache is its own from the first steered block on, so nothing is shared between steerings; but
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

/* The sum over response t's tokens of their natural log-probabilities under steering s, into
 * log_likelihoods[s * text_count + t]. With `references` (one a text; else NULL) it is the sum of what is expected at each
 * position, were the token drawn from the reference: the same on average, with much less noise, because the draws' luck is
 * taken out (Rao and Blackwell). Fails with TT_ERROR_INTERRUPTED soon after `*cancel` (may be NULL) becomes true; with
 * TT_ERROR_INPUT for an empty prompt or response, or a text longer than the model's context. */
bool tt_score_run(tt_score *score, const tt_score_text *texts, const tt_reference *references, size_t text_count,
                  tt_steering *const *steerings, size_t steering_count, const atomic_bool *cancel, double *log_likelihoods,
                  tt_error *err);

/* The unsteered model's distributions at each text's response, as references. They are computed as the writing model
 * computes, while tt_score_run arranges its cache such that a text's place in it does not matter (tt_context_cache_exact).
 * So on a model with quantised activations the two round differently, as any two steerings do, and what rounding alone costs
 * a text is in all likelihoods of tt_score_run alike: in their differences it cancels. */
bool tt_score_references(tt_score *score, const tt_score_text *texts, size_t text_count, const atomic_bool *cancel,
                         tt_reference *references, tt_error *err);

/* Tokens that went through the model so far. */
uint64_t tt_score_tokens(const tt_score *score);
