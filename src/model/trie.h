/* trie.h: prompts that begin alike, as one tree of tokens, so that no common beginning is computed twice.
 *
 * The baseline's and the classes' prompts of a sample share the chat template's head and the stem; the two sides of a pair
 * often share their first words too. A node is a token at a position behind a given beginning. Nodes stand depth first: a
 * node's parent comes before it, and all that lies below a node follows it without a gap. */
#pragma once

#include "model/model.h"

typedef struct tt_trie {
    int32_t *tokens;   /* [node] */
    uint32_t *parents; /* [node]; UINT32_MAX for a first token */
    uint32_t *depths;  /* [node]: its position in the prompt */
    size_t count;      /* nodes */
    size_t capacity;
    uint32_t *ends;   /* [prompt]: the node of its last token */
    size_t *order;    /* [place]: the prompts by their last nodes, which is alphabetically by their tokens */
    uint32_t *begins; /* [place]: the first node that this prompt added, or the next one would; one more entry: `count` */
    size_t prompts;
} tt_trie; /* freed by tt_trie_free */

/* The tree of `count` prompts, none of them empty. With `share` false every prompt is a branch of its own. */
bool tt_trie_build(tt_trie *trie, const tt_tokens *prompts, size_t count, bool share, tt_error *err);
void tt_trie_free(tt_trie *trie);

/* ==== Windows ====
 *
 * A tree can be computed in windows, some prompts at a time, so that a cache need not hold all of it: from one window to the
 * next it keeps only the beginning that the next prompt shares. Windows are cut where that is a beginning of the window's
 * first prompt too: then it lies at the cache's bottom without a gap, and every prompt's tokens keep their order in the
 * cache. */

/* The place behind the last prompt of the window that begins at place `first`: as many as fill at most `limit` cells, or as
 * few as can be cut off where that is not possible. */
size_t tt_trie_window(const tt_trie *trie, size_t first, size_t limit);

/* The most cells that any of the windows fills, with what it keeps of earlier ones. */
size_t tt_trie_most_cells(const tt_trie *trie, size_t limit);
