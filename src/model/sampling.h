/* sampling.h: how the next token is chosen, with llama.cpp's samplers, their names, defaults and order.
 *
 * A sampler takes one position's logits and returns a token. It knows nothing of contexts, so that generate.c and a
 * server that computes many conversations at once can both use it, with one sampler per conversation. */
#pragma once

#include "model/model.h"

enum {
    TT_SEED_RANDOM = -1,  /* like llama.cpp's --seed -1 */
    TT_NO_TOKEN = -1,     /* no token is possible: the grammar is complete */
    TT_NOT_A_NUMBER = -2, /* the logits are NaN: the model was steered beyond what it can compute */
    TT_BREAKERS_MOST = 64 /* --dry-sequence-breaker */
};

/* One --logit-bias: added to the token's logit; -INFINITY bans it. */
typedef struct tt_logit_bias {
    int32_t token;
    float bias;
} tt_logit_bias;

typedef struct tt_texts {
    const char *items[TT_BREAKERS_MOST];
    size_t count;
} tt_texts;

/* Every option of sampling.def as a field, under its name and with llama.cpp's meaning: `temperature` 0 always takes the
 * likeliest token; `letters` (NULL: none) replaces `order`; `mirostat` 1 or 2 replaces every other sampler but the
 * temperature; `grammar` is GBNF text, NULL for none. */
typedef struct tt_sampling {
#define SEED(field, ...) int64_t field; /* TT_SEED_RANDOM, or 0 .. 2^32 - 2 */
#define NUMBER(field, ...) float field;
#define WHOLE(field, ...) int32_t field;
#define FLAG(field, ...) bool field;
#define TEXT(field, ...) const char *field;
#define NAMES(field, ...) const char *field;
#define TEXTS(field, ...) tt_texts field;
#include "model/sampling.def"
    const char
        *grammar_behind; /* the grammar holds behind this text, such as the end of thinking; NULL: from the beginning */
    const tt_logit_bias *biases;
    size_t bias_count;
} tt_sampling; /* texts and biases belong to the caller, and only tt_sampler_open uses them */

tt_sampling tt_sampling_defaults(void);

/* ==== The options by name ==== */

typedef enum tt_sampling_kind {
    TT_SAMPLING_SEED,
    TT_SAMPLING_NUMBER,
    TT_SAMPLING_WHOLE,
    TT_SAMPLING_FLAG,
    TT_SAMPLING_TEXT,
    TT_SAMPLING_NAMES,
    TT_SAMPLING_TEXTS,
} tt_sampling_kind;

typedef struct tt_sampling_option {
    const char *option; /* its spellings on the command line, with commas between them */
    const char *name;   /* llama.cpp's name in JSON; NULL: none */
    tt_sampling_kind kind;
    size_t offset; /* in tt_sampling */
    double least, most;
} tt_sampling_option;

/* Line i of sampling.def; NULL after the last. */
const tt_sampling_option *tt_sampling_option_at(size_t i);

/* The first spelling with two dashes. */
enum { TT_SAMPLING_SPELLING = 32 };
const char *tt_sampling_spelling(const tt_sampling_option *option, char text[static TT_SAMPLING_SPELLING]);

/* The place of the option's value in `sampling`: a float for TT_SAMPLING_NUMBER, and so on. */
void *tt_sampling_field(tt_sampling *sampling, const tt_sampling_option *option);

/* Sets an option by its name in JSON or a spelling of the command line's ("--top-k"), from text: a number, "true" or
 * "false", or the text itself, which is borrowed. For a list, the text is added; "none" empties the list. Fails with
 * TT_ERROR_USAGE for an unknown option or an invalid value. */
bool tt_sampling_set(tt_sampling *sampling, const char *name, const char *value, tt_error *err);

/* Adds a text to a list; "none" empties it. */
bool tt_texts_add(tt_texts *texts, const char *name, const char *text, tt_error *err);

/* Checks that every value is within its limits. */
bool tt_sampling_check(const tt_sampling *sampling, tt_error *err);

/* "NUMBER+BIAS", "NUMBER-BIAS", "NUMBER-inf", as in llama.cpp's --logit-bias. */
bool tt_logit_bias_parse(const char *text, tt_logit_bias *bias, tt_error *err);

typedef struct tt_sampler tt_sampler;

/* Checks every value, with the option's name in the message. `model` must outlive the sampler. */
tt_sampler *tt_sampler_open(const tt_model *model, const tt_sampling *sampling, tt_error *err);
void tt_sampler_close(tt_sampler *sampler); /* harmless on NULL */

/* The seed in use, also if a random one was requested. */
uint32_t tt_sampler_seed(const tt_sampler *sampler);

/* Back to the beginning: nothing written, the same seed. */
void tt_sampler_reset(tt_sampler *sampler);

/* Records tokens that were read rather than chosen: penalties count the prompt's too, as in llama.cpp. */
void tt_sampler_read(tt_sampler *sampler, const tt_tokens *tokens);

/* Chooses a token by the logits (one per token of the vocabulary), and records it. May return TT_NO_TOKEN or
 * TT_NOT_A_NUMBER. */
int32_t tt_sampler_choose(tt_sampler *sampler, const float *logits);
