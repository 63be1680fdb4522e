/* request.h: what a client wants written, checked, whichever API it came by; and the readers of JSON that protocols share.
 *
 * Every field that is wrong is refused by its name. So is a field whose meaning this server lacks, where leaving it out
 * would change the answer. A field that is harmless or not known is passed over, as OpenAI's own servers do, so that clients
 * newer than this program still work. docs/serving.md has the table. */
#pragma once

#include "base/json.h"
#include "model/chat.h"
#include "model/sampling.h"
#include "model/thinking.h"
#include "model/writer.h"
#include "server/fields.h"
#include "server/mixes.h"

enum {
    TT_STOPS_MOST = 256,
    TT_STOP_BYTES_MOST = 4096,
    TT_CHOICES_MOST = 2048, /* prompts x n: evaluation programs send large batches */
    TT_BIASES_MOST = 4096,
};

/* Texts that a request keeps as long as it lives. */
typedef struct tt_kept_texts {
    char **items;
    size_t count, capacity;
} tt_kept_texts; /* starts as `{0}`; ends with tt_kept_texts_free */

void tt_kept_texts_free(tt_kept_texts *texts);

typedef struct tt_request {
    bool chat; /* a conversation; else text to go on from */
    bool stream, include_usage, echo;
    char *model;         /* as the client named it, for the answer */
    tt_tokens *prompts;  /* each is answered `choices` times */
    char **prompt_texts; /* [prompt_count]: for `echo`; an entry may be NULL */
    bool *unspoken;      /* [prompt_count]: the first token is no part of the text: the model begins texts with it */
    size_t prompt_count;
    uint32_t choices;
    int64_t limit; /* tokens to write; negative: until the text or the context ends */
    tt_sampling sampling;
    tt_logit_bias *biases; /* what `sampling` points to, as it does to the texts */
    tt_kept_texts sampling_texts;
    char **stops;
    size_t stop_count;
    int top_tokens;        /* how many likeliest tokens to tell with each token; -1: no log-probabilities at all */
    tt_thinking thinking;  /* how answers are taken apart */
    tt_recipe *recipe;     /* the mix; a reference */
    tt_steering *steering; /* what the recipe comes to, once it is made; a reference; NULL for none */
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

/* Frees everything in it; harmless on `{0}`. */
void tt_request_free(tt_request *request);

/* True where the prompts' own log-probabilities are asked for. */
bool tt_request_scores_prompts(const tt_request *request);

/* How many conversations the request is: prompts x choices. */
size_t tt_request_answers(const tt_request *request);

/* ==== Readers that protocols share; each checks `fields->ok` first ==== */

/* The sampling options by OpenAI's, llama.cpp's and other servers' names, and logit_bias. */
void tt_request_take_sampling(tt_fields *fields, tt_request *request, const tt_request_world *world);

/* For readers of such options: a copy of a text that lives as long as `kept`, NULL when refused; and whether a sampler can
 * be made of them, which is refused by the field `name` if not. */
const char *tt_request_keep(tt_fields *fields, const char *name, tt_kept_texts *kept, const char *text);
void tt_request_try_sampling(tt_fields *fields, const char *name, const tt_sampling *sampling, const tt_model *model);

/* logit_bias in every form, and tokens that are banned: part of the above. */
void tt_request_take_biases(tt_fields *fields, tt_request *request, const tt_request_world *world);

/* n, the most tokens to write, stop, stream and its options. */
void tt_request_take_frame(tt_fields *fields, tt_request *request, const tt_request_world *world);

/* Which mix: the field "steering", else what the model's name says, else the server's own. */
void tt_request_take_mix(tt_fields *fields, tt_request *request, const tt_request_world *world);

/* What the answer must look like: "response_format", "json_schema" and their kin, as a grammar. After the prompt, whose
 * thinking goes before. May wait for the process that turns schemas into grammars. */
void tt_request_take_constraints(tt_fields *fields, tt_request *request, const tt_request_world *world);

/* Refuses what changes the answer and is not to be had here. */
void tt_request_refuse_unsupported(tt_fields *fields);

/* "prompt": text, tokens, both mixed, or a list of these. "messages": a conversation, as the model's template has it. */
void tt_request_take_prompts(tt_fields *fields, tt_request *request, const tt_request_world *world);
void tt_request_take_messages(tt_fields *fields, tt_request *request, const tt_request_world *world);

/* The conversation in "messages" as the model is told it. False when refused; else the caller ends it with tt_rendered_free.
 */
bool tt_request_render(tt_fields *fields, const tt_request_world *world, tt_rendered *rendered);
