/* generate.h: one conversation with a model, steered: text in, text out.
 *
 * A generator is one slot (slots.h) with a writer (writer.h). It keeps what it has computed, and computes only the part
 * of the next prompt that differs, so that a turn of a chat costs only its own tokens. Steering changes every hidden
 * state, so a change of steering empties the cache. */
#pragma once

#include "model/model.h"
#include "model/sampling.h"
#include "model/steering.h"

typedef struct tt_generator tt_generator;

enum { TT_CONTEXT_USUAL = 8192 }; /* the limit for context 0: larger ones cost memory that few conversations use */

/* `context`: tokens of prompt and answer together; 0: the model's trained length, at most TT_CONTEXT_USUAL. `model` must
 * outlive the generator. */
tt_generator *tt_generator_open(tt_model *model, uint32_t context, tt_error *err);
void tt_generator_close(tt_generator *generator); /* harmless on NULL */

uint32_t tt_generator_context(const tt_generator *generator);

/* Applies `steering` from now on (takes a reference; NULL: none). */
bool tt_generator_steer(tt_generator *generator, tt_steering *steering, tt_error *err);

/* ==== Reading ==== */

typedef struct tt_reading {
    const atomic_bool *cancel;                                       /* stops soon after it becomes true; may be NULL */
    void (*on_progress)(size_t done, size_t total, void *user_data); /* of the prompt's tokens; may be NULL */
    void *user_data;
} tt_reading;

/* Computes `prompt`, except for the `*reused` tokens already known (`reused` may be NULL), up to its last token's logits.
 * TT_ERROR_INTERRUPTED if cancelled; what was read so far is kept. */
bool tt_generator_read(tt_generator *generator, const tt_tokens *prompt, const tt_reading *reading, size_t *reused,
                       tt_error *err);

/* The logits after the last token read, one per token of the vocabulary. Owned by the generator; valid until its next
 * call. */
const float *tt_generator_logits(tt_generator *generator);

/* ==== Writing ==== */

typedef enum tt_stop {
    TT_STOP_END,     /* the model ended the text, or the grammar is complete */
    TT_STOP_LIMIT,   /* the requested number of tokens is written */
    TT_STOP_CONTEXT, /* the context is full */
    TT_STOP_CALLER,  /* cancelled, or on_text returned false */
} tt_stop;

typedef struct tt_generation {
    tt_reading reading;
    const tt_tokens *shown; /* control tokens whose text is shown too; NULL: none */
    int64_t limit;          /* tokens to write; negative: until the text or the context ends */
    /* Receives the text as it is written, in whole characters; `bytes` end with a zero that `length` does not count. */
    bool (*on_text)(const char *bytes, size_t length, void *user_data);
    void *user_data;
} tt_generation;

typedef struct tt_generated {
    tt_stop stop;
    size_t prompt_tokens, reused_tokens, written_tokens;
    double prompt_seconds, written_seconds;
} tt_generated;

/* Reads `prompt`, then writes. The sampler is used in its present state, and counts the prompt's tokens. A cancellation
 * is not a failure but TT_STOP_CALLER. */
bool tt_generator_run(tt_generator *generator, const tt_tokens *prompt, tt_sampler *sampler, const tt_generation *generation,
                      tt_generated *generated, tt_error *err);
