/* writing_prompts.h: what the model is asked to write, from a user's file or from a grammar, split into training and
 * held-out prompts.
 *
 * A draw depends only on seed, split and index. */
#pragma once

#include "prompts/partition.h"

#include <stdatomic.h>
#include <stdint.h>

typedef struct tt_writing_prompts tt_writing_prompts;

/* `file`: NULL for the built-in grammar; a grammar if the name ends in ".json"; otherwise text, one prompt per line.
 * `held_out`: the share to hold out of training, in [0, 1). Reading a large file fails with TT_ERROR_INTERRUPTED soon
 * after `*cancel` becomes true; `cancel` NULL: never. */
tt_writing_prompts *tt_writing_prompts_load(const char *file, double held_out, const atomic_bool *cancel, tt_error *err);
void tt_writing_prompts_free(tt_writing_prompts *prompts);

/* Hash of the file's prompts, or of the grammar. */
const char *tt_writing_prompts_hash(const tt_writing_prompts *prompts);

/* Draws a prompt of `split`, uniformly: a line of the file, or one alternative of each rule. The caller frees it. A split
 * without prompts is an error. */
char *tt_writing_prompts_draw(const tt_writing_prompts *prompts, tt_split split, uint64_t seed, uint64_t index,
                              tt_error *err);
