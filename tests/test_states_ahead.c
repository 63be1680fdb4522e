/* test_states_ahead.c: batches that are put into a states file before earlier ones, as the ranks of a run do. */
#include "base/file.h"
#include "base/hash.h"
#include "support/states_files.h"

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void expect_held(const tt_states *states, uint64_t committed, const char *which) {
    assert_int_equal(tt_states_committed(states), committed);
    uint64_t held = 0;
    for (uint64_t sample = 0; sample < strlen(which); sample++) {
        assert_int_equal(tt_states_has(states, sample), which[sample] == 'x');
        held += which[sample] == 'x';
    }
    assert_int_equal(tt_states_held(states), held);
    assert_false(tt_states_has(states, UINT64_MAX));
    test_states_check(states);
}

static void test_batches_in_any_order(void **state) {
    (void)state;
    test_states_make(0);
    static const struct {
        uint64_t first, count, committed;
        const char *which;
    } turns[] = {
        {3, 2, 0, "...xx....."}, {9, 1, 0, "...xx....x"}, {0, 1, 1, "x..xx....x"},  {6, 2, 1, "x..xx.xx.x"},
        {1, 2, 5, "xxxxx.xx.x"}, {8, 1, 5, "xxxxx.xxxx"}, {5, 1, 10, "xxxxxxxxxx"},
    };
    tt_error err;
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        tt_states *states = tt_states_open(test_states_path(), true, &err);
        if (!test_states_put(states, turns[i].first, turns[i].count, &err)) fail_msg("%s", err.message);
        expect_held(states, turns[i].committed, turns[i].which);
        tt_states_close(states);
        states = tt_states_open(test_states_path(), false, &err);
        if (!states) fail_msg("%s", err.message);
        expect_held(states, turns[i].committed, turns[i].which);
        tt_states_close(states);
    }
}

static void expect_put_fails(tt_states *states, uint64_t first, uint64_t count, const char *words) {
    tt_error err = {0};
    assert_false(tt_states_put(states, first, count, NULL, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
    if (!strstr(err.message, words)) fail_msg("expected '%s', got '%s'", words, err.message);
}

static void test_places_that_are_refused(void **state) {
    (void)state;
    const tt_states_shape many = {.samples = 3 * TT_STATES_AHEAD, .rows = 1, .blocks = 1, .width = 1};
    tt_error err;
    tt_states *states = tt_states_create(test_states_path(), &many, test_identity, &err);
    assert_non_null(states);
    assert_true(test_states_put(states, 4, 2, &err));
    expect_put_fails(states, 5, 1, "has sample 5 already");
    expect_put_fails(states, 3, 3, "has sample 4 already");
    expect_put_fails(states, TT_STATES_AHEAD, 1, "lacks sample 0");
    expect_put_fails(states, many.samples, 1, "do not fit");
    expect_put_fails(states, UINT64_MAX, 2, "do not fit");
    expect_put_fails(states, 6, UINT64_MAX, "do not fit");
    assert_true(test_states_put(states, TT_STATES_AHEAD - 1, 1, &err)); /* the last place that a record can count */
    assert_true(test_states_put(states, 0, 4, &err));
    assert_int_equal(tt_states_committed(states), 6);
    assert_true(test_states_put(states, 6, TT_STATES_AHEAD - 7, &err)); /* from the first gap on, as many as one likes */
    assert_int_equal(tt_states_committed(states), TT_STATES_AHEAD);
    assert_true(test_states_put(states, TT_STATES_AHEAD, TT_STATES_AHEAD + 1, &err));
    assert_int_equal(tt_states_held(states), 2 * TT_STATES_AHEAD + 1);
    tt_states_close(states);
}

/* A record, sealed, that counts what cannot be: it is none, and the one before it is in force. */
static void test_records_that_make_no_sense(void **state) {
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        test_states_make(2);
        tt_error err;
        tt_states *states = tt_states_open(test_states_path(), true, &err);
        assert_true(test_states_put(states, 4, 2, &err)); /* the third record: number 2, at 4096 */
        tt_states_close(states);
        uint8_t record[512];
        char digest[TT_HASH_TEXT];
        const int fd = open(test_states_path(), O_RDONLY);
        assert_true(fd >= 0);
        assert_true(tt_pread_all(fd, record, sizeof record, 4096, test_states_path(), NULL));
        close(fd);
        assert_int_equal(record[88], 0x0c);
        record[88 + wrong] |= 1; /* sample 2, the first that is missing; or sample 10, which there is not */
        tt_hash hash;
        tt_hash_begin(&hash);
        tt_hash_bytes(&hash, record, 448);
        tt_hash_end(&hash, digest);
        memcpy(record + 448, digest, 64);
        test_states_poke(4096, record, sizeof record);
        states = tt_states_open(test_states_path(), false, &err);
        assert_non_null(states);
        expect_held(states, 2, "xx........");
        tt_states_close(states);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_in_any_order),
        cmocka_unit_test(test_places_that_are_refused),
        cmocka_unit_test(test_records_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
