/* continue.h: continues many prompts at once, each steered in its own way.
 *
 * For measuring: unless a request says otherwise, every token is drawn from the model's whole, unchanged distribution
 * (temperature 1), so that averages over the texts are averages over the model. A request's draws depend only on the seed
 * and its stream. */
#pragma once

#include "model/model.h"
#include "model/steering.h"

typedef struct tt_continue_request {
    tt_tokens prompt;      /* borrowed; not empty */
    tt_steering *steering; /* borrowed; NULL: unsteered */
    uint64_t stream;       /* identifies the draws: equal seed, stream and model give equal texts */
    double min_p;          /* tokens less likely than this share of the likeliest are not drawn; 0: any may be */
} tt_continue_request;

typedef struct tt_continue_options {
    size_t length; /* most tokens of a response */
    uint64_t seed;
    const atomic_bool *cancel; /* may be NULL */
    void (*told)(void *told_data,
                 uint64_t written); /* called after every step: tokens of all responses so far; may be NULL */
    void *told_data;
} tt_continue_options;

/* Writes a response for each request into `responses` (`count` of them, freed by tt_tokens_free), as many at once as pays.
 * A response that the model ends has its end token last; a longer one is cut. */
bool tt_continue_run(tt_model *model, const tt_continue_request *requests, size_t count, const tt_continue_options *options,
                     tt_tokens *responses, tt_error *err);

/* The text of `tokens`, without special tokens. The caller frees it. */
char *tt_detokenize(const tt_model *model, const tt_tokens *tokens, tt_error *err);
