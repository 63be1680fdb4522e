/* steered_batch.h: a batch of tokens of many sequences, decoded together, each steered in its own way. Private to model/.
 *
 * libllama's own control vector (llama_set_adapter_cvec) applies to the whole context. Here the rows are added in the
 * evaluation callback instead, token by token, to the same tensor to which libllama would add them (l_out-K): on a CPU
 * the logits are the same to the bit, and one decode serves any number of control vectors. Once all tokens have had the
 * same rows for a while, libllama adds them itself, which saves a stop at every block.
 *
 * A batch is at most one micro-batch long, so that row i of a block's output is token i of the batch. Longer work takes
 * several decodes over one key-value cache, which all sequences share; a token may belong to several sequences. */
#pragma once

#include "model/adapter.h"

typedef struct tt_steered_batch {
    tt_model *model;
    struct llama_context *context; /* made by tt_steered_batch_reserve */
    uint32_t cells, sequences;     /* for which the context has room */
    bool any_place;                /* set by the owner at the start: results must not depend on the place in the cache */
    struct llama_batch tokens;
    size_t length, capacity; /* of `tokens`; the capacity is the micro-batch */
    tt_steering **steerings; /* [token], borrowed; NULL: unsteered */

    /* What all tokens of the last decodes had in common. */
    tt_adapter adapter;
    tt_steering *common;    /* a reference */
    unsigned in_common;     /* decodes in a row */
    bool may_settle;        /* if many decodes of one kind are expected */
    unsigned settles_after; /* decodes in common; 0 for a single sequence, which always agrees with itself */
    bool settled;           /* libllama itself adds the rows, in the current decode or the last one */

    /* The current decode. */
    size_t *outputs; /* tokens whose logits are requested: the last block computes only these */
    size_t output_count;
    int last_block; /* the last block whose output is needed, -1 for none */
    int next_block; /* the next one expected */
    float *row;     /* `width` values */
    const atomic_bool *cancel;
    tt_error *err;
    bool decoding, failed;
} tt_steered_batch;

/* Starts as zeroed memory (`{0}`, or tt_alloc). The caller ends it with tt_steered_batch_close, also after a failure. */
bool tt_steered_batch_open(tt_steered_batch *batch, tt_model *model, tt_error *err);
void tt_steered_batch_close(tt_steered_batch *batch); /* harmless on `{0}` */

/* Forgets every sequence, and ensures room for `cells` tokens of `sequences` sequences. */
bool tt_steered_batch_reserve(tt_steered_batch *batch, size_t cells, size_t sequences, tt_error *err);

/* The other way to make the context, once: every sequence gets its own key-value stream with room for `cells` tokens.
 * Attention then looks only at a sequence's own tokens, which is faster for many conversations. But row i is token i only
 * if the batch has equally many tokens of adjacent sequences, in ascending order, one sequence after the other: see
 * slots.c. At most `outputs` tokens of a batch may have logits; libllama reserves memory for that many. */
bool tt_steered_batch_streams(tt_steered_batch *batch, size_t cells, size_t sequences, size_t outputs, tt_error *err);

/* Adds a token to the batch, which must not be full; tt_steered_batch_join adds its sequences. */
void tt_steered_batch_add(tt_steered_batch *batch, int32_t token, size_t position, bool logits, tt_steering *steering);
void tt_steered_batch_join(tt_steered_batch *batch, size_t sequence);

static inline bool tt_steered_batch_full(const tt_steered_batch *batch) { return batch->length == batch->capacity; }

/* Decodes the batch. The logits of token i are then tt_steered_batch_logits(batch, i), until tt_steered_batch_clear. */
bool tt_steered_batch_decode(tt_steered_batch *batch, const atomic_bool *cancel, tt_error *err);
const float *tt_steered_batch_logits(const tt_steered_batch *batch, size_t token);
void tt_steered_batch_clear(tt_steered_batch *batch);
