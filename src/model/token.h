/* token.h: facts about a token: its bytes, whether it ends a text, and how likely it was. */
#pragma once

#include "model/model.h"

enum { TT_TOKEN_BYTES = 512 }; /* no vocabulary has a longer token; a longer one would give no bytes */

/* The token's bytes, which need not be whole characters; none for a control token unless `special`. Returns their
 * number. */
size_t tt_token_bytes(const tt_model *model, int32_t token, bool special, char bytes[static TT_TOKEN_BYTES]);

/* True if the token ends a text: end of sequence, end of turn. */
bool tt_token_ends(const tt_model *model, int32_t token);

/* The token that begins a text: the beginning-of-sequence token, or else the one that ends texts, since another begins
 * after it; -1 if the model has neither. */
int32_t tt_token_beginning(const tt_model *model);

/* The number of tokens in the vocabulary, and of logits per position. */
size_t tt_vocabulary_size(const tt_model *model);

typedef struct tt_likely_token {
    int32_t token;
    float log_probability; /* natural */
} tt_likely_token;

enum { TT_TOP_TOKENS_MOST = 20 };

/* The `count` (at most TT_TOP_TOKENS_MOST) likeliest tokens by these logits, the likeliest first; and the log-probability of
 * `token`. */
void tt_likeliest(const float *logits, size_t vocabulary, tt_likely_token *tokens, size_t count, int32_t token,
                  float *log_probability);
