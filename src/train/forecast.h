/* forecast.h: what a run will take, before it is begun: `trimtab train --dry-run`. */
#pragma once

#include "train/options.h"

typedef struct tt_forecast {
    uint64_t axes, samples;
    uint64_t prompts;         /* after sharing the baseline among the axes */
    uint64_t plain_prompts;   /* three classes an axis, nothing shared */
    double plain_tokens;      /* of the plain prompts; estimated from a spread of batches, as the next one */
    double computed_tokens;   /* after sharing beginnings */
    uint64_t states_bytes;    /* on disk, until the run is done */
    uint64_t vector_bytes;    /* on disk, for good */
    uint64_t memory_bytes;    /* resident at the peak: measured with the model loaded, plus what solving needs */
    double tokens_per_second; /* measured, or given */
    bool measured;            /* which of both */
    double capture_seconds, solve_seconds;
} tt_forecast;

/* `tokens_per_second` > 0: do not measure, take this. Else a few seconds of the run's own first batches are captured and
 * timed. Refused: what the run would refuse, but for the disk's and the output folder's part. */
bool tt_train_forecast(tt_model *model, const tt_train_options *options, double tokens_per_second, tt_forecast *forecast,
                       tt_error *err);
