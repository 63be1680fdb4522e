/* evaluate.h: how far an axis' vectors move what a model writes, and what that costs, next to asking; no other model judges.
 *
 * On stems, phrases and writing prompts that training did not use, the model writes as people let it (temperature 1, min-p
 * 0.1): unsteered, asked for each class, steered at each value, and along random directions as long as the vectors. Every
 * text is then read by the unsteered model:
 *
 *   steering    how far the text's class score (judge.h) is from the unsteered text's for the same prompt
 *   coherence   its perplexity, under the kindest of the baseline's and the class' own message, next to that of texts asked
 *               for
 *   relevance   how much likelier its own prompt makes it than another one, next to the unsteered's
 *
 * figures.h has the rest. The recommended value of a side is the strongest whose coherence and relevance are within their
 * limits. */
#pragma once

#include "evaluate/evaluation.h"
#include "evaluate/options.h"
#include "model/chat.h"

bool tt_evaluate(tt_model *model, const tt_chat *chat, const tt_evaluate_axis *axes, size_t axis_count,
                 const tt_evaluate_options *options, tt_evaluation *evaluation, tt_error *err);
