/* trie.c: see trie.h */
#include "model/trie.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool add_node(tt_trie *trie, int32_t token, uint32_t parent, uint32_t depth, tt_error *err) {
    const size_t wanted = trie->capacity ? trie->capacity * 2 : 256;
    if (trie->count == trie->capacity) {
        if (!tt_resize(&trie->tokens, wanted, sizeof *trie->tokens, err) ||
            !tt_resize(&trie->parents, wanted, sizeof *trie->parents, err) ||
            !tt_resize(&trie->depths, wanted, sizeof *trie->depths, err))
            return false;
        trie->capacity = wanted;
    }
    trie->tokens[trie->count] = token;
    trie->parents[trie->count] = parent;
    trie->depths[trie->count] = depth;
    trie->count++;
    return true;
}

/* How many tokens two prompts have in common at their beginnings. */
static size_t common(const tt_tokens *a, const tt_tokens *b) {
    const size_t limit = a->count < b->count ? a->count : b->count;
    size_t i = 0;
    while (i < limit && a->ids[i] == b->ids[i]) i++;
    return i;
}

/* Adds `prompt` behind its longest beginning that an earlier one of the `before` prompts has: prompts are few (tens), so the
 * earlier prompts themselves are the index. */
static bool add_prompt(tt_trie *trie, const tt_tokens *prompts, size_t before, bool share, tt_error *err) {
    const tt_tokens *prompt = &prompts[before];
    size_t shared = 0, with = 0;
    for (size_t i = 0; share && i < before; i++) {
        const size_t length = common(&prompts[i], prompt);
        if (length > shared) {
            shared = length;
            with = i;
        }
    }
    uint32_t node = UINT32_MAX;
    if (shared)
        for (node = trie->ends[with]; trie->depths[node] + 1 > shared;) node = trie->parents[node];
    for (size_t i = shared; i < prompt->count; i++) {
        if (!add_node(trie, prompt->ids[i], node, (uint32_t)i, err)) return false;
        node = (uint32_t)(trie->count - 1);
    }
    trie->ends[before] = node;
    return true;
}

bool tt_trie_build(tt_trie *trie, const tt_tokens *prompts, size_t count, bool share, tt_error *err) {
    *trie = (tt_trie){0};
    trie->ends = tt_alloc(count, sizeof *trie->ends, err);
    if (!trie->ends) return false;
    for (; trie->prompts < count; trie->prompts++)
        if (!add_prompt(trie, prompts, trie->prompts, share, err)) {
            tt_trie_free(trie);
            return false;
        }
    return true;
}

void tt_trie_free(tt_trie *trie) {
    free(trie->tokens);
    free(trie->parents);
    free(trie->depths);
    free(trie->ends);
    *trie = (tt_trie){0};
}
