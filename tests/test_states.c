/* test_states.c: the hidden-state store: what goes in comes out, and what it has no room for. Its writers and their crashes:
 * test_states_writers.c; samples out of their order: test_states_ahead.c; damaged files: test_states_damage.c. */
#include "support/scratch.h"
#include "support/states_files.h"

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_round_trip(void **state) {
    (void)state;
    tt_error err;
    tt_states *states = tt_states_create(test_states_path(), &test_shape, test_identity, &err);
    assert_non_null(states);
    assert_int_equal(tt_states_committed(states), 0);
    test_states_check(states);
    const uint64_t batches[] = {1, 3, 0, 2, 4};
    uint64_t total = 0;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        assert_true(test_states_append(states, batches[i], &err));
        total += batches[i];
        assert_int_equal(tt_states_committed(states), total);
        test_states_check(states);
    }
    assert_false(test_states_append(states, 1, &err));
    assert_non_null(strstr(err.message, "do not fit"));
    tt_states_close(states);

    states = tt_states_open(test_states_path(), false, &err);
    assert_non_null(states);
    assert_string_equal(tt_states_identity(states), test_identity);
    assert_memory_equal(tt_states_shape_of(states), &test_shape, sizeof test_shape);
    assert_int_equal(tt_states_committed(states), 10);
    test_states_check(states);
    assert_false(tt_states_put(states, 10, 0, NULL, &err));
    assert_non_null(strstr(err.message, "reading alone"));
    tt_states_close(states);

    struct stat status;
    assert_int_equal(stat(test_states_path(), &status), 0);
    assert_int_equal(status.st_size, tt_states_size(&test_shape, strlen(test_identity)));
    assert_int_equal(status.st_size, TEST_DATA + 10 * TEST_SAMPLE);
}

static void test_goes_on_after_reopening(void **state) {
    (void)state;
    test_states_make(0);
    tt_error err;
    for (int i = 0; i < 5; i++) {
        tt_states *states = tt_states_open(test_states_path(), true, &err);
        assert_non_null(states);
        assert_true(test_states_append(states, 2, &err));
        tt_states_close(states);
    }
    tt_states *states = tt_states_open(test_states_path(), true, &err);
    assert_int_equal(tt_states_committed(states), 10);
    test_states_check(states);
    tt_states_close(states);
}

/* Vectors larger than the piece that is written at once, and many small ones. */
static void test_sizes(void **state) {
    (void)state;
    const tt_states_shape shapes[] = {{2, 2, 2, 300000}, {3, 1, 1, 1}, {40, 17, 30, 64}, {2, 3, 4, 1 << 18}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tt_error err;
        tt_states *states = tt_states_create(test_states_path(), &shapes[i], "{}", &err);
        assert_non_null(states);
        assert_true(test_states_append(states, shapes[i].samples, &err));
        test_states_check(states);
        tt_states_close(states);
    }
}

static void test_reading_outside(void **state) {
    (void)state;
    test_states_make(4);
    tt_error err;
    float out[8 * 7];
    tt_states *states = tt_states_open(test_states_path(), false, &err);
    assert_non_null(states);
    assert_false(tt_states_differences(states, 3, 0, 0, 1, out, &err));
    assert_false(tt_states_differences(states, 0, 5, 0, 1, out, &err));
    assert_false(tt_states_differences(states, 0, 0, 5, 1, out, &err));
    assert_false(tt_states_differences(states, 0, 1, 0, 5, out, &err));
    assert_non_null(strstr(err.message, "holds 4 samples, not 5"));
    assert_true(tt_states_differences(states, 0, 1, 0, 0, out, &err));
    tt_states_close(states);
    tt_states_close(NULL);
}

/* A file that is there is replaced, unless somebody is writing to it. */
static void test_creating_again(void **state) {
    (void)state;
    test_states_make(4);
    tt_error err;
    tt_states *states = tt_states_create(test_states_path(), &test_shape, "{\"other\": 1}", &err);
    assert_non_null(states);
    assert_int_equal(tt_states_committed(states), 0);
    assert_string_equal(tt_states_identity(states), "{\"other\": 1}");
    assert_true(test_states_append(states, 3, &err));
    assert_null(tt_states_create(test_states_path(), &test_shape, test_identity, &err));
    assert_non_null(strstr(err.message, "another trimtab"));
    test_states_check(states);
    tt_states_close(states);
    states = tt_states_open(test_states_path(), true, &err);
    assert_int_equal(tt_states_committed(states), 3);
    tt_states_close(states);
}

/* ==== Shapes and space ==== */

static void test_absurd_shapes(void **state) {
    (void)state;
    static const tt_states_shape shapes[] = {
        {0, 1, 1, 1},
        {1, 0, 1, 1},
        {1, 1, 0, 1},
        {1, 1, 1, 0},
        {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
        {UINT64_MAX / 8, 1, 1, 1},
        {1, 1, 1, UINT32_MAX},
        {1, 1, UINT32_MAX, 1},
        {1, UINT32_MAX, 1, 1},
    };
    unlink(test_states_path());
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tt_error err = {0};
        assert_null(tt_states_create(test_states_path(), &shapes[i], "{}", &err));
        assert_int_equal(err.kind, TT_ERROR_USAGE);
        assert_int_not_equal(access(test_states_path(), F_OK), 0);
    }
    assert_true(tt_states_size(&shapes[4], 2) == UINT64_MAX);
}

static void test_too_large_for_the_disk(void **state) {
    (void)state;
    unlink(test_states_path());
    const tt_states_shape large = {.samples = 1ull << 30, .rows = 17, .blocks = 88, .width = 12288};
    tt_error err = {0};
    assert_null(tt_states_create(test_states_path(), &large, "{}", &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, "needs"));
    assert_non_null(strstr(err.message, "free"));
    assert_int_not_equal(access(test_states_path(), F_OK), 0);
}

static void test_no_such_place(void **state) {
    (void)state;
    tt_error err = {0};
    assert_null(tt_states_create("/nonexistent/folder/x.states", &test_shape, "{}", &err));
    assert_non_null(strstr(err.message, "/nonexistent/folder"));
    assert_null(tt_states_open("/nonexistent/x.states", true, &err));
    assert_non_null(strstr(err.message, "No such file"));
    assert_null(tt_states_open(scratch_folder(), false, &err));
    assert_non_null(strstr(err.message, "is not a file"));
    assert_null(tt_states_create(scratch_folder(), &test_shape, "{}", &err));
    assert_non_null(strstr(err.message, "Is a directory"));
}

/* A write that fails half-way (here at a limit on the file's size) loses nothing, and once there is room it goes on. */
static void test_disk_runs_full(void **state) {
    (void)state;
    tt_error err = {0};
    tt_states *states = tt_states_create(test_states_path(), &test_shape, test_identity, &err);
    assert_non_null(states);
    assert_true(test_states_append(states, 3, &err));
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = TEST_DATA + 4 * TEST_SAMPLE + 100;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const bool ok = test_states_append(states, 4, &err);
    const bool again = test_states_append(states, 4, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_false(again);
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, test_states_path()));
    assert_int_equal(tt_states_committed(states), 3);
    test_states_check(states);
    tt_states_close(states);

    states = tt_states_open(test_states_path(), true, &err);
    assert_int_equal(tt_states_committed(states), 3);
    test_states_check(states);
    assert_true(test_states_append(states, 7, &err));
    test_states_check(states);
    tt_states_close(states);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_goes_on_after_reopening),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_reading_outside),
        cmocka_unit_test(test_creating_again),
        cmocka_unit_test(test_absurd_shapes),
        cmocka_unit_test(test_too_large_for_the_disk),
        cmocka_unit_test(test_no_such_place),
        cmocka_unit_test(test_disk_runs_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
