/* forecast.h: what a run will cost, before it begins: `trimtab train --dry-run`. */
#pragma once

#include "train/options.h"

typedef struct tt_forecast {
    uint64_t axes, samples;
    uint64_t prompts;         /* after sharing the baseline among the axes */
    uint64_t plain_prompts;   /* three prompts per axis, nothing shared */
    double plain_tokens;      /* of the plain prompts; like the next, estimated from a sample of batches */
    double computed_tokens;   /* after sharing common beginnings */
    uint64_t states_bytes;    /* on disk, until the run is done */
    uint64_t vector_bytes;    /* on disk, permanently */
    uint64_t memory_bytes;    /* resident at the peak: measured with the model loaded, plus what solving needs */
    double tokens_per_second; /* measured, or given */
    bool measured;            /* which of the two */
    double capture_seconds, solve_seconds;
} tt_forecast;

/* If `tokens_per_second` > 0, it is used instead of a measurement. Otherwise a few seconds of the run's own first batches
 * are captured and timed. Refuses whatever the run would refuse, except for the disk and the output folder. */
bool tt_train_forecast(tt_model *model, const tt_train_options *options, double tokens_per_second, tt_forecast *forecast,
                       tt_error *err);
