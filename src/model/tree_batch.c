/* tree_batch.c: see tree_batch.h */
#include "model/tree_batch.h"

bool tt_tree_batch_init(struct llama_batch *batch, const tt_trie *trie, size_t capacity, tt_error *err) {
    *batch = llama_batch_init((int32_t)capacity, 0, (int32_t)trie->prompts);
    return (batch->token && batch->seq_id) || tt_fail(err, TT_ERROR_MEMORY, "out of memory");
}

void tt_tree_batch_free(struct llama_batch *batch) {
    if (batch->token) llama_batch_free(*batch);
    *batch = (struct llama_batch){0};
}

static void put(struct llama_batch *batch, llama_token token, size_t position) {
    const int32_t i = batch->n_tokens++;
    batch->token[i] = token;
    batch->pos[i] = (llama_pos)position;
    batch->n_seq_id[i] = 0;
    batch->logits[i] = 0;
}

/* Marks more outputs, from the first token on, until each micro-batch that has any has a multiple of `group`. */
static void fill_up_outputs(struct llama_batch *batch, size_t begin, size_t end, size_t group) {
    size_t outputs = tt_tree_batch_outputs(batch, begin, end);
    for (size_t i = begin; i < end && outputs % group; i++) {
        outputs += !batch->logits[i];
        batch->logits[i] = 1;
    }
}

void tt_tree_batch_fill(struct llama_batch *batch, const tt_trie *trie, size_t begin, size_t end, size_t group,
                        size_t ubatch) {
    batch->n_tokens = 0;
    for (size_t node = begin; node < end; node++) put(batch, trie->tokens[node], trie->depths[node]);
    for (size_t prompt = 0; prompt < trie->prompts; prompt++) {
        const uint32_t last = trie->ends[prompt];
        if (last >= begin && last < end)
            batch->logits[last - begin] = 1; /* otherwise the last block would leave this row out */
        for (uint32_t node = last; node != UINT32_MAX && node >= begin; node = trie->parents[node])
            if (node < end) batch->seq_id[node - begin][batch->n_seq_id[node - begin]++] = (llama_seq_id)prompt;
    }
    for (size_t i = 0; (size_t)batch->n_tokens % group; i++) {
        put(batch, trie->tokens[begin], i);
        batch->seq_id[batch->n_tokens - 1][batch->n_seq_id[batch->n_tokens - 1]++] = (llama_seq_id)trie->prompts;
    }
    const size_t count = (size_t)batch->n_tokens;
    for (size_t i = 0; i < count; i += ubatch) fill_up_outputs(batch, i, i + ubatch < count ? i + ubatch : count, group);
}

size_t tt_tree_batch_outputs(const struct llama_batch *batch, size_t begin, size_t end) {
    size_t outputs = 0;
    for (size_t i = begin; i < end; i++) outputs += batch->logits[i] != 0;
    return outputs;
}
