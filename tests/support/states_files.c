/* states_files.c: see states_files.h */
#include "support/states_files.h"
#include "base/file.h"
#include "base/random.h"
#include "support/scratch.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const tt_states_shape test_shape = {.samples = 10, .rows = 5, .blocks = 3, .width = 7};
const char test_identity[] = "{\"model\": \"tiny\", \"seed\": 1}";

const char *test_states_path(void) { return scratch_path("a.states"); }

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

bool test_states_put(tt_states *states, uint64_t first, uint64_t count, tt_error *err) {
    float *data = make_data(tt_states_shape_of(states), first, count);
    const bool ok = tt_states_put(states, first, count, data, err);
    free(data);
    return ok;
}

bool test_states_append(tt_states *states, uint64_t count, tt_error *err) {
    return test_states_put(states, tt_states_committed(states), count, err);
}

void test_states_check(const tt_states *states) {
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

void test_states_make(uint64_t samples) {
    tt_error err;
    tt_states *states = tt_states_create(test_states_path(), &test_shape, test_identity, &err);
    if (!states) fail_msg("%s", err.message);
    if (samples && !test_states_append(states, samples, &err)) fail_msg("%s", err.message);
    tt_states_close(states);
}

void test_states_refused(bool for_append, const char *words) {
    tt_error err = {0};
    tt_states *states = tt_states_open(test_states_path(), for_append, &err);
    if (states) tt_states_close(states);
    if (states || !strstr(err.message, words)) fail_msg("expected '%s', got '%s'", words, states ? "success" : err.message);
    assert_null(strchr(err.message, '\n'));
}

void test_states_poke(off_t offset, const void *bytes, size_t size) {
    const int fd = open(test_states_path(), O_RDWR);
    assert_true(fd >= 0);
    assert_true(tt_pwrite_all(fd, bytes, size, offset, test_states_path(), NULL));
    close(fd);
}

void test_states_flip(off_t offset) {
    const int fd = open(test_states_path(), O_RDWR);
    uint8_t byte;
    assert_true(fd >= 0);
    assert_true(tt_pread_all(fd, &byte, 1, offset, test_states_path(), NULL));
    byte ^= 0x10;
    assert_true(tt_pwrite_all(fd, &byte, 1, offset, test_states_path(), NULL));
    close(fd);
}
