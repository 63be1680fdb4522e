/* gather.h: the first half of a run: draws samples, captures them, and puts them into the states file. */
#pragma once

#include "model/capture.h"
#include "model/chat.h"
#include "states/states.h"
#include "train/options.h"

/* What gathering needs; the caller owns all of it. */
typedef struct tt_gather {
    tt_model *model;
    const tt_chat *chat;
    const tt_plan *plan;
    size_t axis_count, prompts_per_system;
    bool separate_system_message, plain;
    const struct tt_ranks *ranks;
    const atomic_bool *cancel;
    const tt_train_observer *observer;
} tt_gather;

/* Prompts per sample: the baseline, and two for each axis. */
uint32_t tt_gather_rows(size_t axis_count);

/* Samples per batch. Batches have fixed boundaries, so that a stopped run continues with exactly the batches that it
 * would have had. */
size_t tt_gather_batch(size_t axis_count, size_t prompts_per_system);

/* The tokens of one sample's `rows` prompts, in the order of states.h. On success the caller frees each. */
bool tt_gather_tokens(const tt_gather *gather, tt_split split, size_t sample, tt_tokens *tokens, tt_error *err);

/* Captures the missing samples, on all ranks together, and puts them into `states`, which only rank 0 has (NULL
 * elsewhere). A crash costs each rank at most one batch. */
bool tt_gather_run(const tt_gather *gather, tt_capture *capture, const tt_states_shape *shape, tt_states *states,
                   tt_error *err);
