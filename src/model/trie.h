/* trie.h: prompts with common beginnings as one tree of tokens, so that no common beginning is computed twice.
 *
 * The baseline's and the classes' prompts of a sample share the chat template's head and the stem; the two sides of a
 * pair often share their first words too. A node is a token at a position after a given beginning. Nodes are stored depth
 * first: a node's parent comes before it, and its descendants follow it without a gap. */
#pragma once

#include "model/model.h"

typedef struct tt_trie {
    int32_t *tokens;   /* [node] */
    uint32_t *parents; /* [node]; UINT32_MAX for a first token */
    uint32_t *depths;  /* [node]: its position in the prompt */
    size_t count;      /* nodes */
    size_t capacity;
    uint32_t *ends; /* [prompt]: the node of its last token */
    size_t *order;  /* [place]: the prompts by their last nodes, that is, alphabetically by their tokens */
    uint32_t
        *begins; /* [place]: the first node that this prompt added, or that the next one would; one more entry: `count` */
    size_t prompts;
} tt_trie; /* freed by tt_trie_free */

/* Builds the tree of `count` prompts, none of them empty. If `share` is false, every prompt is a separate branch. */
bool tt_trie_build(tt_trie *trie, const tt_tokens *prompts, size_t count, bool share, tt_error *err);
void tt_trie_free(tt_trie *trie);

/* ==== Windows ====
 *
 * A tree can be computed in windows, some prompts at a time, so that a cache need not hold all of it: from one window to
 * the next it keeps only the beginning that the next prompt shares. Windows are cut where that is also a beginning of the
 * window's first prompt: then it lies at the bottom of the cache without a gap, and every prompt's tokens keep their
 * order in the cache. */

/* The place after the last prompt of the window that begins at place `first`: as many prompts as fit into `limit` cells
 * or, if that is impossible, as few as can be cut off. */
size_t tt_trie_window(const tt_trie *trie, size_t first, size_t limit);

/* The most cells that any window fills, including what it keeps of earlier ones. */
size_t tt_trie_most_cells(const tt_trie *trie, size_t limit);
