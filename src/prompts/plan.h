/* plan.h: the prompts of a training run, sample by sample.
 *
 * A sample draws a stem and a writing prompt, which all axes share, and one pair of phrases for each axis, uniformly and
 * with replacement. What sample i draws depends only on the seed, i and (for the pair) the axis' name, so more samples or
 * axes leave the others as they are. A part of the stems, pairs and writing prompts is held out of training, so that
 * vectors can be evaluated on material they have not seen. */
#pragma once

#include "prompts/axis.h"
#include "prompts/partition.h"

#include <stdatomic.h>
#include <stdint.h>

/* Defaults. Training and evaluation must agree on what is held out. */
#define TT_PLAN_PROMPTS_PER_SYSTEM 1
#define TT_PLAN_HELD_OUT 0.1

typedef struct tt_plan_options {
    uint64_t seed;
    size_t prompts_per_system; /* K >= 1: samples i with the same i / K share stem and pairs, and differ in the writing
                                  prompt */
    double held_out;           /* share of stem halves, pairs and writing prompts held out of training, in [0, 1) */
    const char *stems_file;    /* NULL: the built-in stems */
    const char *prompts_file;  /* NULL: the built-in grammar; else text, one writing prompt a line, or a grammar (.json) */
} tt_plan_options;

typedef struct tt_plan tt_plan;

/* One sample. It owns its strings: tt_sample_free. Arrays by axis are in the plan's order. */
typedef struct tt_sample {
    char *baseline;       /* "{stem}." */
    char *(*systems)[2];  /* [axis][class]: "{stem} {phrase}." */
    size_t *pair_indices; /* [axis]: which pair was drawn */
    size_t axis_count;
    char *writing_prompt;
} tt_sample;

/* Copies what it needs of `axes`. NULL on failure: no axes, two of the same name, unreadable files, or a share that
 * leaves nothing; or TT_ERROR_INTERRUPTED if `*cancel` (may be NULL) became true while a long file was read. */
tt_plan *tt_plan_create(const tt_axis *axes, size_t axis_count, const tt_plan_options *options, const atomic_bool *cancel,
                        tt_error *err);
void tt_plan_free(tt_plan *plan);

/* Draws sample `index` of `split`. A split without material is an error (TT_ERROR_INPUT). */
bool tt_plan_sample(const tt_plan *plan, tt_split split, size_t index, tt_sample *sample, tt_error *err);
void tt_sample_free(tt_sample *sample);

/* A hash of everything that the draws depend on except the axes, which have hashes of their own: stems, writing prompts
 * (file or grammar) and options. */
const char *tt_plan_hash(const tt_plan *plan);
