/* prompt_scores.h: how likely the tokens of a prompt are, each behind those before it: what evaluation programs ask for with
 * `echo` and `logprobs`. */
#pragma once

#include "base/error.h"
#include "model/token.h"

typedef struct tt_prompt_scores {
    const tt_model *model;
    const tt_tokens *prompt;    /* the request's */
    int top_count;              /* likeliest tokens to tell with each */
    float *log_probabilities;   /* [token]; that of the first is unknown */
    tt_likely_token *likeliest; /* [token][top_count] */
} tt_prompt_scores;             /* starts as `{0}`; ends with tt_prompt_scores_free */

bool tt_prompt_scores_open(tt_prompt_scores *scores, const tt_model *model, const tt_tokens *prompt, int top_count,
                           tt_error *err);
void tt_prompt_scores_free(tt_prompt_scores *scores);

/* Takes note of the logits behind token number `position`: tt_slots_listen's. */
void tt_prompt_scores_hear(void *scores, size_t position, const float *logits);
