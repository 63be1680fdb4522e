/* open_model.c: see open_model.h */
#include "support/open_model.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void tt_open_model_begin(struct tt_open_model *open, const struct tt_tiny_model_options *options) {
    tt_error err = {0};
    snprintf(open->path, sizeof open->path, "/tmp/trimtab-test-XXXXXX");
    const int fd = mkstemp(open->path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(tt_tiny_model_write(open->path, options));
    const tt_engine_options engine_options = {0};
    open->engine = tt_engine_start(&engine_options, &err);
    if (!open->engine) fail_msg("%s", err.message);
    const tt_model_options model_options = {.path = open->path, .threads = 1, .ubatch = 32, .f32_cache = true};
    open->model = tt_model_open(open->engine, &model_options, &err);
    if (!open->model) fail_msg("%s", err.message);
}

void tt_open_model_end(struct tt_open_model *open) {
    tt_model_close(open->model);
    tt_engine_stop(open->engine);
    unlink(open->path);
}
