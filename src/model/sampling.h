/* sampling.h: how the next token is chosen, with llama.cpp's samplers, their names, defaults and order.
 *
 * A sampler takes one position's logits and answers with a token. It knows nothing of contexts, so that generate.c and a
 * server that computes many conversations at once can both use it: one sampler a conversation. */
#pragma once

#include "model/model.h"

enum {
    TT_SEED_RANDOM = -1,  /* as llama.cpp's --seed -1 */
    TT_NO_TOKEN = -1,     /* no token is possible: the grammar is complete */
    TT_NOT_A_NUMBER = -2, /* the logits are no numbers: the model was steered beyond what it can compute */
    TT_BREAKERS_MOST = 64 /* --dry-sequence-breaker */
};

/* One --logit-bias: added to the token's logit; -INFINITY bans it. */
typedef struct tt_logit_bias {
    int32_t token;
    float bias;
} tt_logit_bias;

typedef struct tt_sampling {
    int64_t seed;        /* TT_SEED_RANDOM, or 0 .. 2^32 - 2 */
    const char *order;   /* --samplers: names with ';' between them; the default is llama.cpp's */
    const char *letters; /* --sampler-seq: the same, one letter each; NULL: `order` counts */
    int32_t top_k;       /* 0: off */
    float top_p, min_p, typical_p, top_n_sigma;
    float temperature; /* 0: always the likeliest token */
    float dynamic_range, dynamic_exponent;
    float xtc_probability, xtc_threshold;
    int32_t repeat_last_n;
    float repeat_penalty, presence_penalty, frequency_penalty;
    float dry_multiplier, dry_base;
    int32_t dry_allowed_length, dry_last_n;
    const char *dry_breakers[TT_BREAKERS_MOST];
    size_t dry_breaker_count;
    float adaptive_target, adaptive_decay;
    int32_t mirostat; /* 0: off, else version 1 or 2, which replaces every other sampler but the temperature */
    float mirostat_rate, mirostat_entropy;
    const tt_logit_bias *biases;
    size_t bias_count;
    bool ignore_end;     /* --ignore-eos: tokens that end the text are never chosen */
    const char *grammar; /* GBNF text; NULL for none */
} tt_sampling;           /* texts and biases are the caller's, and used by tt_sampler_open alone */

tt_sampling tt_sampling_defaults(void);

/* "NUMBER+BIAS", "NUMBER-BIAS", "NUMBER-inf", as llama.cpp's --logit-bias has them. */
bool tt_logit_bias_parse(const char *text, tt_logit_bias *bias, tt_error *err);

typedef struct tt_sampler tt_sampler;

/* Checks every value, with the option's name in the message. `model` must outlive the sampler. */
tt_sampler *tt_sampler_open(const tt_model *model, const tt_sampling *sampling, tt_error *err);
void tt_sampler_close(tt_sampler *sampler); /* harmless on NULL */

/* The seed in use, also where a random one was asked for. */
uint32_t tt_sampler_seed(const tt_sampler *sampler);

/* Back to the beginning: nothing written, the same seed. */
void tt_sampler_reset(tt_sampler *sampler);

/* Takes note of tokens that were read rather than chosen: penalties count the prompt's too, as llama.cpp's do. */
void tt_sampler_read(tt_sampler *sampler, const tt_tokens *tokens);

/* Chooses a token by its logits (one for each token of the vocabulary), and takes note of it. TT_NO_TOKEN, TT_NOT_A_NUMBER.
 */
int32_t tt_sampler_choose(tt_sampler *sampler, const float *logits);
