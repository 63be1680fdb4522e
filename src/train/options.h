/* options.h: the options and results of a training run. */
#pragma once

#include "directions/direction.h"
#include "model/chat.h"
#include "prompts/plan.h"
#include "vectors/vector.h"

/* A number of blocks, as a count or as a share of all. */
typedef struct tt_block_skip {
    double amount;
    bool is_share;
} tt_block_skip;

/* How a run reports what it is doing. Every function may be NULL. */
typedef struct tt_train_observer {
    /* A stage ("capturing", "solving") of `total` steps begins; `done` of them are done already, and `unit` names a
     * step. */
    void (*begin)(void *data, const char *stage, const char *unit, uint64_t total, uint64_t done);
    void (*advance)(void *data, uint64_t done);
    void (*end)(void *data);
    void (*note)(void *data, const char *sentence); /* such as "going on at sample 96 of 192" */
    void *data;
} tt_train_observer;

typedef struct tt_train_options {
    const char *output;      /* folder for the vectors; made if missing */
    const char *const *axes; /* names or files; none: all built-in axes */
    size_t axis_count;
    size_t samples; /* N, triplets per axis */
    tt_plan_options plan;
    const char *name;     /* the model's name in file names; NULL: from its general.name */
    tt_chat_options chat; /* the date is always fixed */
    bool separate_system_message;
    bool plain; /* each prompt by itself, nothing shared */
    tt_direction_options direction;
    tt_block_skip skip_begin, skip_end;
    int layer_offset; /* 1: the direction of block l is written as direction.{l+1}, as in the reference; 0: as direction.{l}
                       */
    const char *states; /* states file; NULL: {output}/{model}.states */
    bool keep_states, restart;
    const struct tt_ranks *ranks; /* NULL: this process alone */
    const atomic_bool *cancel;    /* NULL: cannot be interrupted */
    tt_train_observer observer;
} tt_train_options;

/* Defaults on the command line and in the library. */
#define TT_TRAIN_SAMPLES 192
#define TT_TRAIN_TOLERANCE 0.5
#define TT_TRAIN_SKIP_END 1
#define TT_TRAIN_LAYER_OFFSET 1

/* Options with these defaults, everything else 0. */
tt_train_options tt_train_defaults(void);

typedef struct tt_axis_result {
    char *axis, *classes[2];
    tt_block_figures *figures; /* one for each block that has a direction, by block */
    size_t figure_count;
    size_t eigenpairs; /* computed for all blocks together */
    char *paths[3];    /* de-bias, negative, positive */
    char *report;      /* JSON */
} tt_axis_result;

typedef struct tt_train_result {
    tt_axis_result *axes;
    size_t axis_count;
    uint64_t prompts, plain_tokens, computed_tokens; /* captured by this run; on rank 0, by all ranks */
    double capture_seconds, solve_seconds, write_seconds;
} tt_train_result; /* freed by tt_train_result_free */
