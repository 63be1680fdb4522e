/* bake.h: copies a model with a mix built in, as biases, so that it is steered in any program that reads GGUF.
 *
 * A control vector adds to the output of block K what a bias of the block's last projection adds: blk.K.ffn_down.bias is
 * the mix's row K. That holds if the projection's result enters the block's output unchanged, and if libllama loads such
 * a bias: for the architectures in bake.c's table, each confirmed by a test (docs/bake.md). */
#pragma once

#include "gguf/model_file.h"
#include "vectors/vector.h"

#include <stdatomic.h>

typedef struct tt_bake_options {
    const atomic_bool *cancel; /* stops with TT_ERROR_INTERRUPTED soon after it becomes true; may be NULL */
    void (*on_progress)(uint64_t done, uint64_t total, void *user_data); /* bytes; may be NULL */
    void *user_data;
} tt_bake_options;

/* What was written. */
typedef struct tt_baked {
    char **paths; /* one file, or the parts of a split model */
    size_t path_count;
    uint64_t bytes;
    size_t biases; /* rows that were written */
} tt_baked;

/* The architectures that can be baked, `index` from 0; NULL after the last. */
const char *tt_bake_architecture(size_t index);

/* Checks whether tt_bake would succeed, without writing a file: the architecture, the shapes, and a bias that the model
 * already has. */
bool tt_bake_check(tt_model_file *file, const tt_vector *vector, tt_error *err);

/* Writes the model `file` with `vector`'s rows to `output`: one file, or as many parts as the model has, named after
 * `output`. Every other key and tensor is copied bit for bit, through a buffer of fixed size; trimtab.recipe is added.
 * Writes all of the files or none. Afterwards `file` can only be closed. */
bool tt_bake(tt_model_file *file, const tt_vector *vector, const char *output, const tt_bake_options *options,
             tt_baked *baked, tt_error *err);
void tt_baked_free(tt_baked *baked); /* harmless on `{0}` */
