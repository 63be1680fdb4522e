/* gather.h: the first half of a run: samples are asked for, captured, and put into the states file. */
#pragma once

#include "model/capture.h"
#include "model/chat.h"
#include "states/states.h"
#include "train/options.h"

/* What gathering needs, all of it the caller's. */
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

/* Prompts a sample: the baseline, and two for each axis. */
uint32_t tt_gather_rows(size_t axis_count);

/* Samples a batch: batches have fixed places, so that a run that was stopped goes on with the very batches that it would
 * have had. */
size_t tt_gather_batch(size_t axis_count, size_t prompts_per_system);

/* The tokens of one sample's prompts, `rows` of them, in the order of states.h. On success the caller frees each. */
bool tt_gather_tokens(const tt_gather *gather, tt_split split, size_t sample, tt_tokens *tokens, tt_error *err);

/* Captures the samples that are missing, all ranks together, and puts them into `states`, which rank 0 alone has (NULL
 * elsewhere). A crash costs each rank one batch at most. */
bool tt_gather_run(const tt_gather *gather, tt_capture *capture, const tt_states_shape *shape, tt_states *states,
                   tt_error *err);
