/* request.h: what a client wants written, checked, whichever of OpenAI's two endpoints it came by.
 *
 * The JSON is read here and in request.c only. Every field that is wrong is refused by its name; a field that is not known
 * is passed over, as OpenAI's own servers do, so that clients newer than this program still work. */
#pragma once

#include "base/json.h"
#include "model/chat.h"
#include "model/sampling.h"
#include "model/thinking.h"
#include "server/mixes.h"
#include "server/refusal.h"

enum {
    TT_STOPS_MOST = 16,
    TT_CHOICES_MOST = 64, /* prompts x n */
    TT_TOP_TOKENS_MOST = 20,
    TT_BIASES_MOST = 1024,
};

typedef struct tt_request {
    bool chat; /* /v1/chat/completions; else /v1/completions */
    bool stream, include_usage, echo;
    char *model;         /* as the client named it, for the answer */
    tt_tokens *prompts;  /* each is answered `choices` times */
    char **prompt_texts; /* [prompt_count]: for `echo`; an entry may be NULL */
    size_t prompt_count;
    uint32_t choices;
    int64_t limit; /* tokens to write; negative: until the text or the context ends */
    tt_sampling sampling;
    tt_logit_bias *biases; /* what `sampling` points to */
    char *stops[TT_STOPS_MOST];
    size_t stop_count;
    int top_tokens;               /* how many likeliest tokens to tell with each token; -1: no log-probabilities at all */
    tt_thinking thinking;         /* how answers are taken apart */
    char *mix;                    /* "language=0.5", in its usual form; "" for none */
    tt_shared_steering *steering; /* a reference; NULL for none */
} tt_request;

/* What requests are checked against. Borrowed. */
typedef struct tt_request_world {
    const tt_model *model;
    const tt_chat *chat; /* NULL: the model has no chat template, and only completions are to be had */
    tt_mixes *mixes;
    const char *model_name;
    uint32_t context; /* tokens a conversation has room for */
    int64_t limit;    /* -n: most tokens an answer may have; negative: no such limit */
} tt_request_world;

/* Reads a request's body. On success freed with tt_request_free; on failure nothing is left. */
bool tt_request_parse(tt_request *request, const tt_request_world *world, bool chat, const char *body, size_t length,
                      tt_refusal *refusal);
void tt_request_free(tt_request *request);

/* How many conversations the request is: prompts x choices. */
size_t tt_request_answers(const tt_request *request);
