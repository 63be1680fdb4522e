/* bake.h: a copy of a model that carries a mix for good, as biases, so that any GGUF application is steered by it.
 *
 * What a control vector adds to the output of block K is what a bias of the block's last projection adds:
 * blk.K.ffn_down.bias is the mix's row K. That holds where the projection's result goes into the block's output as it is,
 * and where libllama loads such a bias: for the architectures in bake.c's table, each of which a test has shown
 * (docs/bake.md). */
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
    size_t biases; /* rows that went in */
} tt_baked;

/* The architectures of the models that can be baked, `index` from 0; NULL behind the last. */
const char *tt_bake_architecture(size_t index);

/* Whether tt_bake can do it, without a file being written: the architecture, the shapes, and a bias that the model has
 * already. */
bool tt_bake_check(tt_model_file *file, const tt_vector *vector, tt_error *err);

/* Writes the model `file` with `vector`'s rows to `output`: one file, or as many parts as the model has, named after
 * `output`. Every other key and tensor is copied bit for bit, through a buffer of fixed size; trimtab.recipe is added. All
 * of the files or none. `file` is used up: afterwards it can only be closed. */
bool tt_bake(tt_model_file *file, const tt_vector *vector, const char *output, const tt_bake_options *options,
             tt_baked *baked, tt_error *err);
void tt_baked_free(tt_baked *baked); /* harmless on `{0}` */
