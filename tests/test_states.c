/* test_states.c: the hidden-state store: what goes in comes out, a crash loses no committed sample, and every kind of damage
 * is told in one sentence. Damage is done here to the bytes of docs/states-format.md. */
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "states/states.h"

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static const tt_states_shape shape = {.samples = 10, .rows = 5, .blocks = 3, .width = 7};
static const char identity[] = "{\"model\": \"tiny\", \"seed\": 1}";
enum { DATA = 20480, VECTOR = 7 * 4 + 8, SAMPLE = VECTOR * 3 * 5 };

static char folder[] = "/tmp/trimtab-states-XXXXXX";
static char path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/a.states", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT(cert-env33-c): the name is ours */
}

/* What sample, row, block and place in it hold: a value that no other place has. */
static float value_at(uint64_t sample, uint32_t row, uint32_t block, uint32_t i) {
    const uint64_t bits = tt_random_bits(sample, row, block, i);
    return (float)((double)(bits >> 32) / 4294967296.0 - 0.5);
}

static float *make_data(const tt_states_shape *of, uint64_t first, uint64_t count) {
    float *data = calloc(count * of->rows * of->blocks * of->width, sizeof *data);
    assert_non_null(data);
    float *next = data;
    for (uint64_t sample = first; sample < first + count; sample++)
        for (uint32_t row = 0; row < of->rows; row++)
            for (uint32_t block = 0; block < of->blocks; block++)
                for (uint32_t i = 0; i < of->width; i++) *next++ = value_at(sample, row, block, i);
    return data;
}

static bool append(tt_states *states, uint64_t count, tt_error *err) {
    float *data = make_data(tt_states_shape_of(states), tt_states_committed(states), count);
    const bool ok = tt_states_append(states, data, count, err);
    free(data);
    return ok;
}

static void check_content(const tt_states *states) {
    const tt_states_shape *of = tt_states_shape_of(states);
    const uint64_t count = tt_states_committed(states);
    float *out = calloc(count * of->width + 1, sizeof *out);
    tt_error err;
    assert_non_null(out);
    for (uint32_t block = 0; block < of->blocks; block++)
        for (uint32_t row = 0; row < of->rows; row++) {
            const uint32_t baseline = (row + 1) % of->rows;
            if (!tt_states_differences(states, block, row, baseline, count, out, &err)) fail_msg("%s", err.message);
            for (uint64_t sample = 0; sample < count; sample++)
                for (uint32_t i = 0; i < of->width; i++)
                    assert_true(out[sample * of->width + i] ==
                                value_at(sample, row, block, i) - value_at(sample, baseline, block, i));
        }
    free(out);
}

static void make_file(uint64_t samples) {
    tt_error err;
    tt_states *states = tt_states_create(path, &shape, identity, &err);
    if (!states) fail_msg("%s", err.message);
    if (samples && !append(states, samples, &err)) fail_msg("%s", err.message);
    tt_states_close(states);
}

static void expect_open_fails(bool for_append, const char *words) {
    tt_error err = {0};
    tt_states *states = tt_states_open(path, for_append, &err);
    if (states) tt_states_close(states);
    if (states || !strstr(err.message, words)) fail_msg("expected '%s', got '%s'", words, states ? "success" : err.message);
    assert_null(strchr(err.message, '\n'));
}

static void poke(off_t offset, const void *bytes, size_t size) {
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_true(tt_pwrite_all(fd, bytes, size, offset, path, NULL));
    close(fd);
}

static void flip(off_t offset) {
    const int fd = open(path, O_RDWR);
    uint8_t byte;
    assert_true(fd >= 0);
    assert_true(tt_pread_all(fd, &byte, 1, offset, path, NULL));
    byte ^= 0x10;
    assert_true(tt_pwrite_all(fd, &byte, 1, offset, path, NULL));
    close(fd);
}

/* Makes the header's checksum fit again after a change: what a hostile writer would do. */
static void reseal_header(void) {
    uint8_t header[128];
    char digest[TT_HASH_TEXT];
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_true(tt_pread_all(fd, header, sizeof header, 0, path, NULL));
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, header, sizeof header);
    tt_hash_end(&hash, digest);
    assert_true(tt_pwrite_all(fd, digest, 64, sizeof header, path, NULL));
    close(fd);
}

/* ==== The happy way ==== */

static void test_round_trip(void **state) {
    (void)state;
    tt_error err;
    tt_states *states = tt_states_create(path, &shape, identity, &err);
    assert_non_null(states);
    assert_int_equal(tt_states_committed(states), 0);
    check_content(states);
    const uint64_t batches[] = {1, 3, 0, 2, 4};
    uint64_t total = 0;
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        assert_true(append(states, batches[i], &err));
        total += batches[i];
        assert_int_equal(tt_states_committed(states), total);
        check_content(states);
    }
    assert_false(append(states, 1, &err));
    assert_non_null(strstr(err.message, "do not fit"));
    tt_states_close(states);

    states = tt_states_open(path, false, &err);
    assert_non_null(states);
    assert_string_equal(tt_states_identity(states), identity);
    assert_memory_equal(tt_states_shape_of(states), &shape, sizeof shape);
    assert_int_equal(tt_states_committed(states), 10);
    check_content(states);
    assert_false(tt_states_append(states, NULL, 0, &err));
    assert_non_null(strstr(err.message, "reading alone"));
    tt_states_close(states);

    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, tt_states_size(&shape, strlen(identity)));
    assert_int_equal(status.st_size, DATA + 10 * SAMPLE);
}

static void test_goes_on_after_reopening(void **state) {
    (void)state;
    make_file(0);
    tt_error err;
    for (int i = 0; i < 5; i++) {
        tt_states *states = tt_states_open(path, true, &err);
        assert_non_null(states);
        assert_true(append(states, 2, &err));
        tt_states_close(states);
    }
    tt_states *states = tt_states_open(path, true, &err);
    assert_int_equal(tt_states_committed(states), 10);
    check_content(states);
    tt_states_close(states);
}

/* Vectors larger than the piece that is written at once, and many small ones. */
static void test_sizes(void **state) {
    (void)state;
    const tt_states_shape shapes[] = {{2, 2, 2, 300000}, {3, 1, 1, 1}, {40, 17, 30, 64}, {2, 3, 4, 1 << 18}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tt_error err;
        tt_states *states = tt_states_create(path, &shapes[i], "{}", &err);
        assert_non_null(states);
        assert_true(append(states, shapes[i].samples, &err));
        check_content(states);
        tt_states_close(states);
    }
}

static void test_reading_outside(void **state) {
    (void)state;
    make_file(4);
    tt_error err;
    float out[8 * 7];
    tt_states *states = tt_states_open(path, false, &err);
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
    make_file(4);
    tt_error err;
    tt_states *states = tt_states_create(path, &shape, "{\"other\": 1}", &err);
    assert_non_null(states);
    assert_int_equal(tt_states_committed(states), 0);
    assert_string_equal(tt_states_identity(states), "{\"other\": 1}");
    assert_true(append(states, 3, &err));
    assert_null(tt_states_create(path, &shape, identity, &err));
    assert_non_null(strstr(err.message, "another trimtab"));
    check_content(states);
    tt_states_close(states);
    states = tt_states_open(path, true, &err);
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
    unlink(path);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        tt_error err = {0};
        assert_null(tt_states_create(path, &shapes[i], "{}", &err));
        assert_int_equal(err.kind, TT_ERROR_USAGE);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_true(tt_states_size(&shapes[4], 2) == UINT64_MAX);
}

static void test_too_large_for_the_disk(void **state) {
    (void)state;
    unlink(path);
    const tt_states_shape large = {.samples = 1ull << 30, .rows = 17, .blocks = 88, .width = 12288};
    tt_error err = {0};
    assert_null(tt_states_create(path, &large, "{}", &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, "needs"));
    assert_non_null(strstr(err.message, "free"));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_no_such_place(void **state) {
    (void)state;
    tt_error err = {0};
    assert_null(tt_states_create("/nonexistent/folder/x.states", &shape, "{}", &err));
    assert_non_null(strstr(err.message, "/nonexistent/folder"));
    assert_null(tt_states_open("/nonexistent/x.states", true, &err));
    assert_non_null(strstr(err.message, "No such file"));
    assert_null(tt_states_open(folder, false, &err));
    assert_non_null(strstr(err.message, "is not a file"));
    assert_null(tt_states_create(folder, &shape, "{}", &err));
    assert_non_null(strstr(err.message, "Is a directory"));
}

/* A write that fails half-way (here at a limit on the file's size) loses nothing, and once there is room it goes on. */
static void test_disk_runs_full(void **state) {
    (void)state;
    tt_error err = {0};
    tt_states *states = tt_states_create(path, &shape, identity, &err);
    assert_non_null(states);
    assert_true(append(states, 3, &err));
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = DATA + 4 * SAMPLE + 100;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const bool ok = append(states, 4, &err);
    const bool again = append(states, 4, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_false(again);
    assert_int_equal(err.kind, TT_ERROR_IO);
    assert_non_null(strstr(err.message, path));
    assert_int_equal(tt_states_committed(states), 3);
    check_content(states);
    tt_states_close(states);

    states = tt_states_open(path, true, &err);
    assert_int_equal(tt_states_committed(states), 3);
    check_content(states);
    assert_true(append(states, 7, &err));
    check_content(states);
    tt_states_close(states);
}

/* ==== One writer ==== */

static void test_lock(void **state) {
    (void)state;
    make_file(1);
    int ready[2], done[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    char byte = 0;
    if (child == 0) {
        close(done[1]);
        tt_states *states = tt_states_open(path, true, NULL);
        byte = states ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1) (void)!read(done[0], &byte, 1);
        _exit(0);
    }
    close(done[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    char words[160];
    snprintf(words, sizeof words, "another trimtab (pid %d) is writing to '%s'", (int)child, path);
    expect_open_fails(true, words);
    tt_error err = {0};
    assert_null(tt_states_create(path, &shape, identity, &err));
    assert_non_null(strstr(err.message, words));
    tt_states *reader = tt_states_open(path, false, &err); /* reading is no harm */
    assert_non_null(reader);
    check_content(reader);
    tt_states_close(reader);
    close(done[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    tt_states *states = tt_states_open(path, true, &err); /* the lock went with the process */
    assert_non_null(states);
    tt_states_close(states);
}

/* Several processes that make the same file at once: one has it, the others are told. */
static void test_making_at_once(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        enum { PROCESSES = 4 };
        unlink(path);
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
            const char result = tt_states_create(path, &shape, identity, NULL) ? 'y' : 'n';
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

static void test_killed(void **state) {
    (void)state;
    unlink(path);
    uint64_t last = 0, grown = 0;
    for (int kill_number = 0; kill_number < 20; kill_number++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            tt_states *states =
                access(path, F_OK) ? tt_states_create(path, &long_shape, identity, NULL) : tt_states_open(path, true, NULL);
            if (!states) _exit(1);
            for (uint64_t batch = 1;; batch = batch % 5 + 1)
                if (!append(states, batch, NULL)) _exit(1);
        }
        usleep(200 + (useconds_t)tt_random_below(7, 0, (uint64_t)kill_number, 0, 30000));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        if (access(path, F_OK)) continue; /* killed before there was a file */
        tt_error err;
        tt_states *states = tt_states_open(path, true, &err);
        if (!states) fail_msg("after kill %d: %s", kill_number, err.message);
        assert_true(tt_states_committed(states) >= last);
        grown += tt_states_committed(states) > last;
        last = tt_states_committed(states);
        check_content(states);
        tt_states_close(states);
    }
    assert_true(grown > 5); /* else this test has shown nothing */
}

/* A power loss while the newer commit record was being written leaves it torn: the one before counts. */
static void test_torn_commit(void **state) {
    (void)state;
    tt_error err;
    for (int torn = 0; torn < 2; torn++) {
        make_file(0);
        tt_states *states = tt_states_open(path, true, &err);
        for (int i = 0; i < 2 + torn; i++) assert_true(append(states, 2, &err));
        tt_states_close(states);
        flip(4096 + 4096 * torn + 16); /* the last record's count: its number is 2 or 3 */
        states = tt_states_open(path, true, &err);
        assert_non_null(states);
        assert_int_equal(tt_states_committed(states), 2 + 2 * torn);
        assert_true(append(states, 5, &err));
        check_content(states);
        tt_states_close(states);
    }
    flip(4096);
    flip(8192);
    expect_open_fails(false, "both its commit records");
}

/* ==== Damage ==== */

static void test_damaged_sample(void **state) {
    (void)state;
    tt_error err;
    float out[10 * 7];
    for (int part = 0; part < 2; part++) {
        make_file(10);
        /* sample 6, block 2, row 3: its value or its check value */
        flip(DATA + 6 * SAMPLE + (2 * 5 + 3) * VECTOR + (part ? 30 : 5));
        tt_states *states = tt_states_open(path, false, &err);
        assert_non_null(states);
        assert_true(tt_states_differences(states, 2, 2, 0, 10, out, &err));
        assert_true(tt_states_differences(states, 2, 3, 0, 6, out, &err));
        assert_false(tt_states_differences(states, 2, 3, 0, 7, out, &err));
        assert_non_null(strstr(err.message, "sample 6 (block 2, prompt 3)"));
        assert_false(tt_states_differences(states, 2, 0, 3, 10, out, &err));
        tt_states_close(states);
    }
}

/* A vector that is whole, but another's. */
static void test_misplaced_vector(void **state) {
    (void)state;
    make_file(10);
    uint8_t vector[VECTOR];
    tt_error err;
    float out[10 * 7];
    const int fd = open(path, O_RDONLY);
    assert_true(tt_pread_all(fd, vector, VECTOR, DATA + 4 * SAMPLE, path, NULL));
    close(fd);
    poke(DATA + 5 * SAMPLE, vector, VECTOR);
    tt_states *states = tt_states_open(path, false, &err);
    assert_false(tt_states_differences(states, 0, 0, 1, 10, out, &err));
    tt_states_close(states);
}

static void test_cut_short(void **state) {
    (void)state;
    const off_t lengths[] = {
        0, 1, 7, 8, 100, 191, 192, 4096, 5000, 16384, DATA - 1, DATA, DATA + 9 * SAMPLE, DATA + 10 * SAMPLE - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        make_file(10);
        assert_int_equal(truncate(path, lengths[i]), 0);
        expect_open_fails(i % 2, lengths[i] < 8 ? "not a states file" : "cut short");
    }
}

static void test_not_a_states_file(void **state) {
    (void)state;
    assert_true(tt_file_write(path, "GGUF and other text that is long enough to be looked at", 55, NULL));
    expect_open_fails(false, "not a states file");
    char *zeros = calloc(1, 40000);
    assert_true(tt_file_write(path, zeros, 40000, NULL));
    free(zeros);
    expect_open_fails(true, "not a states file");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_open_fails(true, "is not a file");
    expect_open_fails(false, "is not a file");
    unlink(path);
}

static void test_damaged_header(void **state) {
    (void)state;
    for (off_t offset = 16; offset < 192; offset += 5) {
        make_file(2);
        flip(offset);
        expect_open_fails(offset % 2, "is damaged");
    }
    make_file(2);
    poke(8, (uint8_t[]){1, 2, 3, 4}, 4);
    expect_open_fails(false, "other byte order");
    make_file(2);
    poke(12, (uint8_t[]){2, 0, 0, 0}, 4);
    expect_open_fails(false, "version 2");
    make_file(2);
    flip(16384 + 3);
    expect_open_fails(false, "description of the run");
}

/* Headers whose checksum is right and whose numbers are not. */
static void test_absurd_headers(void **state) {
    (void)state;
    static const struct {
        off_t offset;
        uint64_t value;
        size_t size;
    } changes[] = {
        {16, 0, 8},          {16, UINT64_MAX, 8}, {16, UINT64_MAX / 540, 8}, {24, UINT32_MAX, 4}, {24, 0, 4},
        {28, UINT32_MAX, 4}, {28, 1, 4},          {32, UINT32_MAX, 4},       {32, 6, 4},          {40, UINT64_MAX, 8},
        {40, 1u << 30, 8},   {48, 0, 8},          {48, UINT64_MAX, 8},       {56, 0, 8},          {56, 1, 8}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        make_file(2);
        poke(changes[i].offset, &changes[i].value, changes[i].size);
        reseal_header();
        expect_open_fails(i % 2, "makes no sense");
    }
    /* More samples than the disk has room for: readable (its commit records are another header's, though). */
    make_file(2);
    poke(16, &(uint64_t){1ull << 40}, 8);
    reseal_header();
    expect_open_fails(true, "both its commit records");
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
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_making_at_once),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_torn_commit),
        cmocka_unit_test(test_damaged_sample),
        cmocka_unit_test(test_misplaced_vector),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_not_a_states_file),
        cmocka_unit_test(test_damaged_header),
        cmocka_unit_test(test_absurd_headers),
    };
    return cmocka_run_group_tests_name("states", tests, make_folder, remove_folder);
}
