/* evaluate.h: how well an axis' vectors steer, and at what price, by the likelihood of texts; no judge model.
 *
 * On stems, phrases and writing prompts that training did not use, the model with a class' system message writes responses
 * y. With P the model so prompted, U the model with the baseline's system message, and S that one steered at axis value s:
 *
 *   fidelity    (log S(y) - log U(y)) / (log P(y) - log U(y)), summed over responses: 0 does nothing, 1 replaces the prompt
 *   specificity the same on the other class' responses, which should be negative, and on those of other axes, near 0
 *   damage      the rise of the perplexity of what U itself writes; and how S' own writing repeats itself
 *
 * Each log-likelihood is taken as expected at every position of y under the model that wrote it, not of the one token drawn
 * there (score.h): so fidelity is 1 - KL(P, S) / KL(P, U) along y, at most 1, and a damage is never negative, both but for
 * what rounding does. That is the same for U, P and S on average, and vectors of zeros have figures of 0 to the bit on a
 * CPU. */
#pragma once

#include "evaluate/evaluation.h"
#include "evaluate/options.h"
#include "model/chat.h"

bool tt_evaluate(tt_model *model, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                 const tt_evaluate_options *options, tt_evaluation *evaluation, tt_error *err);
