/* tree_batch.h: a window of the prompts' tree as a batch for libllama, filled up so that what ggml computes for a token does
 * not depend on where in the batch it lies, nor on how many come with it.
 *
 * ggml's matrix products take rows (tokens) in groups where there are enough of them, and the rest one by one, in kernels that
 * add up in other orders: four at a time where it has repacked the weights, from two on, or from eight on. Where the number
 * of rows is a multiple of eight every row goes through the same kernel. docs/capture.md has the table, bench/bench_kernels.c
 * makes it. So a batch is filled up with tokens of a sequence of their own, to which no prompt attends; and in each
 * micro-batch more rows than are needed are marked as outputs, as the last block computes those alone. */
#pragma once

#include "model/trie.h"

#include <llama.h>

enum { TT_TREE_BATCH_GROUP = 8 };

/* Room for `capacity` tokens of a tree's windows. Freed by tt_tree_batch_free, after a failure too. */
bool tt_tree_batch_init(struct llama_batch *batch, const tt_trie *trie, size_t capacity, tt_error *err);
void tt_tree_batch_free(struct llama_batch *batch); /* harmless on one that is all zeros */

/* The nodes [begin, end) of the tree: each belongs to every prompt whose path goes through it, prompt i being sequence i. They
 * are filled up to a multiple of `group` with tokens of the sequence behind the last prompt's, and so are the outputs in each
 * micro-batch of `ubatch` tokens, itself a multiple of `group`, in which any prompt ends. */
void tt_tree_batch_fill(struct llama_batch *batch, const tt_trie *trie, size_t begin, size_t end, size_t group, size_t ubatch);

/* How many of the batch's tokens [begin, end) are marked as outputs. */
size_t tt_tree_batch_outputs(const struct llama_batch *batch, size_t begin, size_t end);
