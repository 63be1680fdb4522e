/* tree_batch.h: a window of the prompts' tree as a batch for libllama, padded so that ggml's result for a token does not
 * depend on its place in the batch, nor on the number of tokens in it.
 *
 * ggml's matrix products take rows (tokens) in groups as far as there are enough, and the rest one by one, in kernels
 * that add in other orders: four at a time with repacked weights, from two on, or from eight on. If the number of rows is
 * a multiple of eight, every row goes through the same kernel. docs/capture.md has the table, made by
 * bench/bench_kernels.c. So a batch is padded with tokens of a separate sequence, to which no prompt attends. And since
 * the last block computes only outputs, each micro-batch marks more rows as outputs than are needed. */
#pragma once

#include "model/trie.h"

#include <llama.h>

enum { TT_TREE_BATCH_GROUP = 8 };

/* Allocates room for `capacity` tokens of a tree's windows. Freed by tt_tree_batch_free, also after a failure. */
bool tt_tree_batch_init(struct llama_batch *batch, const tt_trie *trie, size_t capacity, tt_error *err);
void tt_tree_batch_free(struct llama_batch *batch); /* harmless on one that is all zeros */

/* Fills the batch with nodes [begin, end) of the tree: each belongs to every prompt whose path goes through it, prompt i
 * being sequence i. They are padded to a multiple of `group` with tokens of the sequence after the last prompt's, and so
 * are the outputs in each micro-batch of `ubatch` tokens, itself a multiple of `group`, in which any prompt ends. */
void tt_tree_batch_fill(struct llama_batch *batch, const tt_trie *trie, size_t begin, size_t end, size_t group,
                        size_t ubatch);

/* The number of the batch's tokens [begin, end) that are marked as outputs. */
size_t tt_tree_batch_outputs(const struct llama_batch *batch, size_t begin, size_t end);
