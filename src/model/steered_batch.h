/* steered_batch.h: a batch of tokens of many sequences, decoded together, each steered in its own way. Private to model/.
 *
 * libllama's own control vector (llama_set_adapter_cvec) is one for the whole context. Here the rows are added in the
 * evaluation callback instead, to the very tensor that libllama would have added them to (l_out-K), token by token: the
 * logits are the same to the bit on a CPU, and one decode serves any number of control vectors. Where all have wanted the
 * same rows for a while, libllama adds them itself, which spares it a stop at every block.
 *
 * A batch is at most one micro-batch long, so that row i of a block's output is token i of the batch. Longer work is done in
 * several decodes over one key-value cache, which all sequences share; a token may belong to several sequences. */
#pragma once

#include "model/adapter.h"

typedef struct tt_steered_batch {
    tt_model *model;
    struct llama_context *context; /* made by tt_steered_batch_reserve */
    uint32_t cells, sequences;     /* that the context has room for */
    bool any_place; /* set by the owner at first: what is computed shall not depend on the place in the cache */
    struct llama_batch tokens;
    size_t length, capacity; /* of `tokens`; the capacity is the micro-batch */
    tt_steering **steerings; /* [token], borrowed; NULL: not steered */

    /* What all tokens of the last decodes had in common. */
    tt_adapter adapter;
    tt_steering *common; /* a reference */
    unsigned in_common;  /* decodes in a row */
    bool may_settle;     /* where many decodes of one kind are to be expected */
    bool settled;        /* libllama itself adds the rows of the decode under way, or of the last one */

    /* The decode under way. */
    size_t *outputs; /* tokens whose logits are asked for: the last block computes only these */
    size_t output_count;
    int last_block; /* the last block whose output is wanted, -1 for none */
    int next_block; /* the one that is awaited */
    float *row;     /* `width` values */
    const atomic_bool *cancel;
    tt_error *err;
    bool decoding, failed;
} tt_steered_batch;

/* Starts as empty memory (`{0}`, or tt_alloc); on failure tt_steered_batch_close is due as after success. */
bool tt_steered_batch_open(tt_steered_batch *batch, tt_model *model, tt_error *err);
void tt_steered_batch_close(tt_steered_batch *batch); /* harmless on `{0}` */

/* Forgets every sequence, and makes sure of room for `cells` tokens of `sequences` sequences. */
bool tt_steered_batch_reserve(tt_steered_batch *batch, size_t cells, size_t sequences, tt_error *err);

/* The other way to make the context, once: every sequence has a key-value stream of its own with room for `cells` tokens.
 * Attention then looks at a sequence's own tokens alone, which is faster for many conversations. But row i is token i only
 * where the batch holds equally many tokens of sequences that stand side by side, ascending, one sequence behind the other:
 * see slots.c. At most `outputs` tokens of a batch may have logits; libllama keeps room for so many. */
bool tt_steered_batch_streams(tt_steered_batch *batch, size_t cells, size_t sequences, size_t outputs, tt_error *err);

/* Adds a token to the batch, which must not be full; its sequences are appended with tt_steered_batch_join. */
void tt_steered_batch_add(tt_steered_batch *batch, int32_t token, size_t position, bool logits, tt_steering *steering);
void tt_steered_batch_join(tt_steered_batch *batch, size_t sequence);

static inline bool tt_steered_batch_full(const tt_steered_batch *batch) { return batch->length == batch->capacity; }

/* Decodes what was added. The logits of token i are then tt_steered_batch_logits(batch, i), until tt_steered_batch_clear. */
bool tt_steered_batch_decode(tt_steered_batch *batch, const atomic_bool *cancel, tt_error *err);
const float *tt_steered_batch_logits(const tt_steered_batch *batch, size_t token);
void tt_steered_batch_clear(tt_steered_batch *batch);
