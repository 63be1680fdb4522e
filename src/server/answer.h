/* answer.h: one answer in the making: tokens chosen, turned into text, cut at stop texts. No HTTP, no JSON, no scheduling.
 */
#pragma once

#include "base/text.h"
#include "model/pieces.h"
#include "model/sampling.h"
#include "model/token.h"
#include "server/request.h"

typedef enum tt_finish { TT_FINISH_NOT_YET, TT_FINISH_STOP, TT_FINISH_LENGTH } tt_finish;

/* What is told of one token where log-probabilities are asked for. */
typedef struct tt_token_report {
    char bytes[TT_TOKEN_BYTES];
    size_t length;
    float log_probability;
    tt_likely_token top[TT_TOP_TOKENS_MOST];
    size_t text_offset; /* in bytes of the answer's text */
} tt_token_report;

typedef struct tt_answer {
    const tt_model *model;
    const tt_request *request;
    tt_sampler *sampler;
    tt_pieces pieces;
    tt_text text; /* all of it, also what waits to be told */
    size_t told;  /* bytes of it that are known not to begin a stop text, and may be told */
    tt_token_report *reports;
    size_t report_count, report_capacity;
    int64_t written; /* tokens */
    tt_finish finish;
} tt_answer; /* starts as `{0}`; ends with tt_answer_free */

/* `request` must outlive the answer. The seed of answer `index` is the request's, plus `index`, so that several differ. */
bool tt_answer_open(tt_answer *answer, const tt_model *model, const tt_request *request, size_t index,
                    const tt_tokens *prompt, tt_error *err);
void tt_answer_free(tt_answer *answer);

/* Chooses the next token from `logits`. Afterwards `answer->finish` tells whether it goes on, and with which `*token`. */
bool tt_answer_choose(tt_answer *answer, const float *logits, int32_t *token, tt_error *err);

/* There is no more room, or no more time: the answer ends as it is. */
bool tt_answer_cut(tt_answer *answer, tt_error *err);
