/* continue.h: what a model writes behind many prompts at once, each steered in its own way.
 *
 * For measuring: unless a request says otherwise, every token is drawn from the model's whole distribution as it is
 * (temperature 1), so that averages over what is written are averages over the model. The draws depend on the seed and the
 * prompt's own number alone.
 */
#pragma once

#include "model/model.h"
#include "model/steering.h"

typedef struct tt_continue_request {
    tt_tokens prompt;      /* borrowed; not empty */
    tt_steering *steering; /* borrowed; NULL: not steered */
    uint64_t stream;       /* names the draws: equal seed, stream and model give an equal text */
    double min_p;          /* tokens less likely than this share of the likeliest are not drawn; 0: all may be */
} tt_continue_request;

typedef struct tt_continue_options {
    size_t length; /* most tokens of a response */
    uint64_t seed;
    const atomic_bool *cancel;                       /* may be NULL */
    void (*told)(void *told_data, uint64_t written); /* told after every step: tokens of all responses so far. May be NULL */
    void *told_data;
} tt_continue_options;

/* Writes a response for each request into `responses` (`count` of them, freed by tt_tokens_free), as many at once as pays.
 * One that the model ends itself has its end token as the last; one that would never end is cut. */
bool tt_continue_run(tt_model *model, const tt_continue_request *requests, size_t count, const tt_continue_options *options,
                     tt_tokens *responses, tt_error *err);

/* The text of `tokens`, without special tokens. The caller frees. */
char *tt_detokenize(const tt_model *model, const tt_tokens *tokens, tt_error *err);
