/* open_model.c: see open_model.h */
#include "support/open_model.h"
#include "support/scratch.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void begin(struct tt_open_model *open, const struct tt_tiny_model_options *tiny, tt_model_options options) {
    tt_error err = {0};
    snprintf(open->path, sizeof open->path, "%s/model-XXXXXX", scratch_folder());
    const int fd = mkstemp(open->path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(tt_tiny_model_write(open->path, tiny));
    const tt_engine_options engine_options = {0};
    open->engine = tt_engine_start(&engine_options, &err);
    if (!open->engine) fail_msg("%s", err.message);
    options.path = open->path;
    options.threads = 1;
    options.f32_cache = true;
    open->model = tt_model_open(open->engine, &options, &err);
    if (!open->model) fail_msg("%s", err.message);
}

void tt_open_model_begin(struct tt_open_model *open, const struct tt_tiny_model_options *options) {
    begin(open, options, (tt_model_options){.ubatch = 32});
}

void tt_open_model_begin_exact(struct tt_open_model *open, int ubatch) {
    begin(open, NULL, (tt_model_options){.ubatch = ubatch, .flash_attention_off = true});
}

void tt_open_model_end(struct tt_open_model *open) {
    tt_model_close(open->model);
    tt_engine_stop(open->engine);
    unlink(open->path);
}
