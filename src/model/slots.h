/* slots.h: many conversations computed at once, each of them steered on its own (docs/serving.md).
 *
 * A slot is one sequence of one libllama context. Conversations begin in a free slot and end when the caller says so;
 * between two steps any may begin or end. A step computes the next token of every conversation that writes, or a piece of
 * the prompts of those that still read, in turns. The caller chooses tokens from the logits: text and sampling are not this
 * file's business.
 *
 * A slot that is free keeps what it computed. A new conversation with the same beginning and the same steering goes on from
 * there; with other steering the same tokens have other hidden states, and nothing of them is used.
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
    uint32_t chunk; /* tokens of prompts that are read at once while others write; 0: 256 */
    bool listens;   /* tt_slots_listen will be used: libllama needs room for more logits */
} tt_slots_options;

enum { TT_SLOT_CONTEXT_USUAL = 4096, TT_SLOTS_MOST = 64 };

typedef struct tt_slots_counts {
    uint64_t read_tokens;   /* of prompts, computed */
    uint64_t reused_tokens; /* of prompts, found computed */
    uint64_t written_tokens, decodes;
    uint64_t settled_decodes; /* of them, with the rows that all had in common, if any, added by libllama itself */
} tt_slots_counts;

/* `model` must outlive it. */
tt_slots *tt_slots_open(tt_model *model, const tt_slots_options *options, tt_error *err);
void tt_slots_close(tt_slots *slots); /* harmless on NULL */

uint32_t tt_slots_count(const tt_slots *slots);
uint32_t tt_slots_context(const tt_slots *slots); /* tokens of each */
uint32_t tt_slots_busy(const tt_slots *slots);
tt_slots_counts tt_slots_counts_of(const tt_slots *slots);

/* Takes a free slot for a conversation that begins with `prompt` (copied) and is steered by `steering` (a reference is
 * taken; NULL: not at all). `*reused` is how many of its tokens need not be computed again. Fails when no slot is free, or
 * the prompt is empty or longer than a slot's context. */
bool tt_slots_begin(tt_slots *slots, const tt_tokens *prompt, tt_steering *steering, uint32_t *slot, size_t *reused,
                    tt_error *err);

/* From now on, right behind tt_slots_begin, `hear` is told the logits behind each token of the slot's prompt, in order, and
 * all of it is computed anew. For the log-probabilities of a prompt. */
void tt_slots_listen(tt_slots *slots, uint32_t slot, void (*hear)(void *hear_data, size_t position, const float *logits),
                     void *hear_data);

/* The conversation is over. */
void tt_slots_end(tt_slots *slots, uint32_t slot);

/* Computes what is next: one decode. Afterwards some slots have logits. On failure everything computed is lost: every
 * conversation should be ended. Does nothing when nobody waits for anything. */
bool tt_slots_step(tt_slots *slots, tt_error *err);

/* The logits behind the slot's last token, one for each token of the vocabulary; NULL where the last step has not brought
 * any. Valid until the next step. */
const float *tt_slots_logits(const tt_slots *slots, uint32_t slot);

/* The conversation goes on with `token`. False when the slot's context is full. Every slot with logits must be pushed or
 * ended before the next step. */
bool tt_slots_push(tt_slots *slots, uint32_t slot, int32_t token);
