/* open_model.h: a tiny model (tiny_model.h), made in the scratch folder and opened, in one call. */
#pragma once

#include "model/model.h"
#include "support/tiny_model.h"

struct tt_open_model {
    char path[64];
    tt_engine *engine;
    tt_model *model;
};

/* Computes in F32 throughout, on one thread. `options` NULL: the defaults. Fails the running test where it cannot. */
void tt_open_model_begin(struct tt_open_model *open, const struct tt_tiny_model_options *options);

/* The default model without flash attention too, which rounds some sums to half precision: for what is held against
 * libllama's own way to rounding. `ubatch` 0: 512. */
void tt_open_model_begin_exact(struct tt_open_model *open, int ubatch);

void tt_open_model_end(struct tt_open_model *open);
