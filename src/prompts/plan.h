/* plan.h: which prompts a training run asks, sample by sample.
 *
 * A sample draws a stem and a writing prompt, which all axes share, and one pair of phrases for each axis, uniformly and
 * with replacement. What sample i draws depends on the seed, i and (for the pair) the axis' name alone: more samples, or
 * more axes, leave the others as they are. A part of the stems, pairs and writing prompts is held out of training, so that
 * vectors can be evaluated on what they have not seen. */
#pragma once

#include "prompts/axis.h"
#include "prompts/partition.h"

#include <stdatomic.h>
#include <stdint.h>

/* Where the user says nothing. Training and evaluation must agree on what is held out. */
#define TT_PLAN_PROMPTS_PER_SYSTEM 1
#define TT_PLAN_HELD_OUT 0.1

typedef struct tt_plan_options {
    uint64_t seed;
    size_t prompts_per_system; /* K >= 1: samples i with the same i / K share stem and pairs, and differ in the writing
                                  prompt */
    double held_out;           /* share of stem halves, pairs and writing prompts kept from training, in [0, 1) */
    const char *stems_file;    /* NULL: the built-in stems */
    const char *prompts_file;  /* NULL: the built-in grammar; else text, one writing prompt a line, or a grammar (.json) */
} tt_plan_options;

typedef struct tt_plan tt_plan;

/* One sample. The strings are its own: tt_sample_free. `pairs` has one entry for each axis, in the plan's order. */
typedef struct tt_sample {
    char *baseline;       /* "{stem}." */
    char *(*systems)[2];  /* [axis][class]: "{stem} {phrase}." */
    size_t *pair_indices; /* [axis]: which pair was drawn */
    size_t axis_count;
    char *writing_prompt;
} tt_sample;

/* `axes` are copied as far as they are needed. NULL on failure: no axes, two of one name, unreadable files, a share that
 * leaves nothing; or `*cancel` became true while a long file was read (TT_ERROR_INTERRUPTED), where `cancel` is not NULL. */
tt_plan *tt_plan_create(const tt_axis *axes, size_t axis_count, const tt_plan_options *options, const atomic_bool *cancel,
                        tt_error *err);
void tt_plan_free(tt_plan *plan);

/* Draws sample `index` of `split`. A split without material is an error (TT_ERROR_INPUT). */
bool tt_plan_sample(const tt_plan *plan, tt_split split, size_t index, tt_sample *sample, tt_error *err);
void tt_sample_free(tt_sample *sample);

/* What the plan's draws depend on besides the options: a hash over stems, writing prompts (file or grammar) and options. The
 * axes have hashes of their own. */
const char *tt_plan_hash(const tt_plan *plan);
