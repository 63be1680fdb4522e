/* slots.h: computes many conversations at once, each steered in its own way (docs/serving.md).
 *
 * A slot is one sequence of one libllama context. A conversation begins in a free slot and ends when the caller says so;
 * any may begin or end between two steps. A step computes the next token of every conversation that writes, or, in
 * alternation, a piece of the prompts of those that still read. The caller chooses tokens from the logits: text and
 * sampling are not part of this file.
 *
 * A free slot keeps what it computed. A new conversation with the same beginning and the same steering continues from
 * there; under other steering the same tokens have other hidden states, and none are reused.
 *
 * One thread at a time. */
#pragma once

#include "model/model.h"
#include "model/steering.h"

typedef struct tt_slots tt_slots;

typedef struct tt_slots_options {
    uint32_t slots; /* -np: conversations at once; 0: 1 */
    uint32_t
        context; /* tokens of each, prompt and answer together; 0: the model's own length, at most TT_SLOT_CONTEXT_USUAL */
    uint32_t chunk; /* prompt tokens read at once while others write; 0: 256 */
    bool listens;   /* tt_slots_listen will be used: libllama needs room for more logits */
} tt_slots_options;

enum { TT_SLOT_CONTEXT_USUAL = 4096, TT_SLOTS_MOST = 64 };

typedef struct tt_slots_counts {
    uint64_t read_tokens;   /* of prompts, computed */
    uint64_t reused_tokens; /* of prompts, already computed */
    uint64_t written_tokens, decodes;
    uint64_t settled_decodes; /* those in which libllama itself added the rows, if any, that all had in common */
} tt_slots_counts;

/* `model` must outlive it. */
tt_slots *tt_slots_open(tt_model *model, const tt_slots_options *options, tt_error *err);
void tt_slots_close(tt_slots *slots); /* harmless on NULL */

uint32_t tt_slots_count(const tt_slots *slots);
uint32_t tt_slots_context(const tt_slots *slots); /* tokens of each */
uint32_t tt_slots_busy(const tt_slots *slots);
size_t tt_slots_length(const tt_slots *slots, uint32_t slot); /* tokens of its conversation that are computed */
tt_slots_counts tt_slots_counts_of(const tt_slots *slots);

/* Takes a free slot for a conversation that begins with `prompt` (copied) and is steered by `steering` (takes a
 * reference; NULL: unsteered). `*reused` is how many of its tokens need not be computed again. Fails if no slot is free,
 * or the prompt is empty or longer than a slot's context. */
bool tt_slots_begin(tt_slots *slots, const tt_tokens *prompt, tt_steering *steering, uint32_t *slot, size_t *reused,
                    tt_error *err);

/* Called right after tt_slots_begin: `hear` gets the logits after each token of the slot's prompt, in order, and the
 * whole prompt is computed again. For the log-probabilities of a prompt. */
void tt_slots_listen(tt_slots *slots, uint32_t slot, void (*hear)(void *hear_data, size_t position, const float *logits),
                     void *hear_data);

/* The conversation is over. */
void tt_slots_end(tt_slots *slots, uint32_t slot);

/* Computes the next step: one decode. Afterwards some slots have logits. After a failure everything computed is lost, and
 * every conversation should be ended; but after TT_ERROR_INTERRUPTED, what was computed before the step is kept. Does
 * nothing if no slot has work. */
bool tt_slots_step(tt_slots *slots, tt_error *err);

/* From now on a step is interrupted soon after `*cancel` becomes true; NULL: never. */
void tt_slots_watch(tt_slots *slots, const atomic_bool *cancel);

/* The logits after the slot's last token, one per token of the vocabulary; NULL if the last step gave none. Valid until
 * the next step. */
const float *tt_slots_logits(const tt_slots *slots, uint32_t slot);

/* Continues the conversation with `token`. False if the slot's context is full. Every slot with logits needs a push or an
 * end before the next step. */
bool tt_slots_push(tt_slots *slots, uint32_t slot, int32_t token);
