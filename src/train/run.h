/* run.h: the parts that a training run and its forecast share: axes, plan, chat template, identity. */
#pragma once

#include "train/gather.h"
#include "train/identity.h"
#include "train/ranks.h"
#include "train/solve.h"

typedef struct tt_run {
    const tt_train_options *options;
    tt_model *model; /* NULL if the states exist already */
    tt_axis *axes;
    size_t axis_count;
    tt_plan *plan;
    tt_chat *chat;
    tt_identity identity;
    char *states_path;
    tt_states *states;
    int threads;
    tt_ranks ranks;
} tt_run;

/* Loads and checks everything that can be wrong before the first token. The caller has set `run->options` and
 * `run->model`. */
bool tt_run_begin(tt_run *run, tt_error *err);
void tt_run_end(tt_run *run);

/* Fails if finding directions would take more memory than the machine has, before the first token. */
bool tt_run_check_memory(const tt_run *run, tt_error *err);

/* What gathering this run's samples needs. */
tt_gather tt_run_gather(const tt_run *run);

/* Gives the observer a sentence, on rank 0 only. */
void tt_run_note(const tt_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
