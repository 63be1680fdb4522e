/* open_model.h: a tiny model (tiny_model.h), made in a temporary file and opened, in one call. */
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
void tt_open_model_end(struct tt_open_model *open);
