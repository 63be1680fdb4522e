/* test_from_states.c: directions from a states file alone (train/train.h): of a file that is what it says, and of files
 * whose parts do not belong together. */
#include "base/memory.h"
#include "base/random.h"
#include "states/states.h"
#include "support/scratch.h"
#include "train/identity.h"
#include "train/train.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const tt_states_shape shape = {.samples = 6, .rows = 3, .blocks = 3, .width = 5};

/* The identity of a run of one axis with this shape; the caller frees. */
static char *identity_of(const tt_states_shape *of) {
    char model[] = "Tiny", name[] = "pace", negative[] = "slow", positive[] = "fast", other[] = "not looked at";
    struct tt_identity_axis axis = {.name = name, .classes = {negative, positive}, .hash = other};
    const tt_identity identity = {.model_name = model,
                                  .architecture = other,
                                  .fingerprint = other,
                                  .content_hash = other,
                                  .chat_template = other,
                                  .chat_digest = other,
                                  .plan = other,
                                  .samples = of->samples,
                                  .blocks = of->blocks,
                                  .width = of->width,
                                  .axis_count = 1,
                                  .axes = &axis};
    char *text = tt_identity_write(&identity, NULL);
    assert_non_null(text);
    return text;
}

/* A complete states file whose header is of `shape` and whose identity is of `told`. Samples scatter about a mean of their
 * class. */
static const char *make_file(const char *name, const tt_states_shape *told) {
    const char *path = scratch_path(name);
    char *identity = identity_of(told);
    tt_error err = {0};
    tt_states *states = tt_states_create(path, &shape, identity, &err);
    if (!states) fail_msg("%s", err.message);
    const size_t a_row = (size_t)shape.blocks * shape.width, values = shape.samples * shape.rows * a_row;
    float *data = tt_alloc(values, sizeof *data, NULL);
    assert_non_null(data);
    for (size_t i = 0; i < values; i++)
        data[i] = (float)(i / a_row % shape.rows) + (float)tt_random_below(1, 2, i, 3, 1000) / 5000.0F;
    if (!tt_states_put(states, 0, shape.samples, data, &err)) fail_msg("%s", err.message);
    tt_states_close(states);
    free(data);
    free(identity);
    return path;
}

static bool run(const char *states, tt_train_result *result, tt_error *err) {
    const tt_train_options options = {
        .output = scratch_subfolder("made"), .direction = {.tolerance = 0.1}, .skip_end = {.amount = 1}, .layer_offset = 1};
    return tt_train_from_states(states, &options, result, err);
}

static void a_file_of_one_piece(void **state) {
    (void)state;
    tt_train_result result;
    tt_error err = {0};
    if (!run(make_file("good.states", &shape), &result, &err)) fail_msg("%s", err.message);
    assert_int_equal(result.axis_count, 1);
    assert_int_equal(result.axes[0].figure_count, 2); /* the last block is left out */
    tt_train_result_free(&result);
}

/* A file from anywhere may have an identity of other sizes than its header, with all digests right. */
static void an_identity_of_another_shape(void **state) {
    (void)state;
    const tt_states_shape others[] = {{6, 3, 3, 4}, {6, 3, 3, 6}, {6, 3, 2, 5}, {6, 3, 4, 5}, {5, 3, 3, 5}, {7, 3, 3, 5}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        tt_train_result result;
        tt_error err = {0};
        assert_false(run(make_file("bad.states", &others[i]), &result, &err));
        assert_int_equal(err.kind, TT_ERROR_INPUT);
        if (!strstr(err.message, "is not as large as the run that it tells of")) fail_msg("%s", err.message);
        assert_null(result.axes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_of_one_piece),
                                       cmocka_unit_test(an_identity_of_another_shape)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
