/* test_states_writers.c: a states file has one writer at a time, and whatever kills it, no committed sample is lost. */
#include "base/random.h"
#include "support/states_files.h"

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ==== One writer ==== */

static void test_lock(void **state) {
    (void)state;
    test_states_make(1);
    int ready[2], done[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    char byte = 0;
    if (child == 0) {
        close(done[1]);
        tt_states *states = tt_states_open(test_states_path(), true, NULL);
        byte = states ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1) (void)!read(done[0], &byte, 1);
        _exit(0);
    }
    close(done[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    char words[160];
    snprintf(words, sizeof words, "another trimtab (pid %d) is writing to '%s'", (int)child, test_states_path());
    test_states_refused(true, words);
    tt_error err = {0};
    assert_null(tt_states_create(test_states_path(), &test_shape, test_identity, &err));
    assert_non_null(strstr(err.message, words));
    tt_states *reader = tt_states_open(test_states_path(), false, &err); /* reading is no harm */
    assert_non_null(reader);
    test_states_check(reader);
    tt_states_close(reader);
    close(done[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    tt_states *states = tt_states_open(test_states_path(), true, &err); /* the lock went with the process */
    assert_non_null(states);
    tt_states_close(states);
}

/* Several processes that make the same file at once: one has it, the others are told. */
static void test_making_at_once(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        enum { PROCESSES = 4 };
        unlink(test_states_path());
        int done[2];
        assert_int_equal(pipe(done), 0);
        pid_t children[PROCESSES];
        int got[2];
        assert_int_equal(pipe(got), 0);
        for (int i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] != 0) continue;
            close(done[1]);
            const char result = tt_states_create(test_states_path(), &test_shape, test_identity, NULL) ? 'y' : 'n';
            char byte;
            if (write(got[1], &result, 1) == 1) (void)!read(done[0], &byte, 1);
            _exit(0);
        }
        int makers = 0;
        for (int i = 0; i < PROCESSES; i++) {
            char result;
            assert_int_equal(read(got[0], &result, 1), 1);
            makers += result == 'y';
        }
        close(done[1]);
        for (int i = 0; i < PROCESSES; i++) assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
        assert_int_equal(makers, 1);
        close(done[0]);
        close(got[0]);
        close(got[1]);
    }
}

/* ==== Crashes ==== */

static const tt_states_shape long_shape = {.samples = 100000, .rows = 5, .blocks = 6, .width = 64};

/* Puts batches into the file for ever, the second half of each first: the process of test_killed. */
static void write_until_killed(void) {
    tt_states *states = access(test_states_path(), F_OK)
                            ? tt_states_create(test_states_path(), &long_shape, test_identity, NULL)
                            : tt_states_open(test_states_path(), true, NULL);
    if (!states) _exit(1);
    for (uint64_t batch = 1;; batch = batch % 5 + 1) {
        const uint64_t first = tt_states_committed(states), half = first + batch - batch / 2;
        uint64_t missing = 0;
        while (first + missing < half && !tt_states_has(states, first + missing)) missing++;
        if (batch > 1 && !tt_states_has(states, half) && !test_states_put(states, half, 1, NULL)) _exit(1);
        if (!test_states_put(states, first, missing, NULL)) _exit(1);
    }
}

static void test_killed(void **state) {
    (void)state;
    unlink(test_states_path());
    uint64_t last = 0, grown = 0;
    /* On a busy machine a process may not come to write anything in its time: then there are more, with more of it. */
    for (int kill_number = 0; kill_number < 20 || (grown <= 5 && kill_number < 200); kill_number++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) write_until_killed();
        const uint64_t most = 30000 * (1 + (uint64_t)kill_number / 20);
        usleep(200 + (useconds_t)tt_random_below(7, 0, (uint64_t)kill_number, 0, most));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (access(test_states_path(), F_OK)) continue; /* killed before there was a file */
        tt_error err;
        tt_states *states = tt_states_open(test_states_path(), true, &err);
        if (!states) fail_msg("after kill %d: %s", kill_number, err.message);
        assert_true(tt_states_committed(states) >= last);
        grown += tt_states_committed(states) > last;
        last = tt_states_committed(states);
        test_states_check(states);
        tt_states_close(states);
    }
    assert_true(grown > 5); /* else this test has shown nothing */
}

/* A power loss while the newer commit record was being written leaves it torn: the one before counts. */
static void test_torn_commit(void **state) {
    (void)state;
    tt_error err;
    for (int torn = 0; torn < 2; torn++) {
        test_states_make(0);
        tt_states *states = tt_states_open(test_states_path(), true, &err);
        for (int i = 0; i < 2 + torn; i++) assert_true(test_states_append(states, 2, &err));
        tt_states_close(states);
        test_states_flip(4096 + 4096 * torn + 16); /* the last record's count: its number is 2 or 3 */
        states = tt_states_open(test_states_path(), true, &err);
        assert_non_null(states);
        assert_int_equal(tt_states_committed(states), 2 + 2 * torn);
        assert_true(test_states_append(states, 5, &err));
        test_states_check(states);
        tt_states_close(states);
    }
    test_states_flip(4096);
    test_states_flip(8192);
    test_states_refused(false, "both its commit records");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_making_at_once),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_torn_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
