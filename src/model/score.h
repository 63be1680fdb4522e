/* score.h: how likely a model finds given responses, under many steerings at once.
 *
 * Teacher forcing: a response's tokens are fed behind its prompt, whatever the model itself would have written, and the
 * log-probability of each is read from the logits before it. Texts that begin alike are computed as a tree (trie.h). A
 * steered model's key-value cache is its own from the first steered block on, so nothing is shared between steerings; but
 * the trees of several steerings go through the model in one batch. */
#pragma once

#include "model/model.h"
#include "model/steering.h"

typedef struct tt_score tt_score;

typedef struct tt_score_text {
    tt_tokens prompt, response; /* borrowed; neither is empty */
} tt_score_text;

tt_score *tt_score_open(tt_model *model, tt_error *err);
void tt_score_close(tt_score *score); /* harmless on NULL */

/* The sum over response t's tokens of their natural log-probabilities under steering s, into
 * log_likelihoods[s * text_count + t]. Fails with TT_ERROR_INTERRUPTED soon after `*cancel` (may be NULL) becomes true;
 * with TT_ERROR_INPUT for an empty prompt or response, or a text longer than the model's context. */
bool tt_score_run(tt_score *score, const tt_score_text *texts, size_t text_count, const tt_steering *steerings,
                  size_t steering_count, const atomic_bool *cancel, double *log_likelihoods, tt_error *err);

/* Tokens that went through the model so far. */
uint64_t tt_score_tokens(const tt_score *score);
