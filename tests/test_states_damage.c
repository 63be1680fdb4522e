/* test_states_damage.c: every kind of damage to a states file is told in one sentence. Damage is done here to the bytes of
 * docs/states-format.md. */
#include "base/file.h"
#include "base/hash.h"
#include "support/states_files.h"

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the header's checksum fit again after a change: what a hostile writer would do. */
static void reseal_header(void) {
    uint8_t header[128];
    char digest[TT_HASH_TEXT];
    const int fd = open(test_states_path(), O_RDWR);
    assert_true(fd >= 0);
    assert_true(tt_pread_all(fd, header, sizeof header, 0, test_states_path(), NULL));
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, header, sizeof header);
    tt_hash_end(&hash, digest);
    assert_true(tt_pwrite_all(fd, digest, 64, sizeof header, test_states_path(), NULL));
    close(fd);
}

static void test_damaged_sample(void **state) {
    (void)state;
    tt_error err;
    float out[10 * 7];
    for (int part = 0; part < 2; part++) {
        test_states_make(10);
        /* sample 6, block 2, row 3: its value or its check value */
        test_states_flip(TEST_DATA + 6 * TEST_SAMPLE + (2 * 5 + 3) * TEST_VECTOR + (part ? 30 : 5));
        tt_states *states = tt_states_open(test_states_path(), false, &err);
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
    test_states_make(10);
    uint8_t vector[TEST_VECTOR];
    tt_error err;
    float out[10 * 7];
    const int fd = open(test_states_path(), O_RDONLY);
    assert_true(tt_pread_all(fd, vector, TEST_VECTOR, TEST_DATA + 4 * TEST_SAMPLE, test_states_path(), NULL));
    close(fd);
    test_states_poke(TEST_DATA + 5 * TEST_SAMPLE, vector, TEST_VECTOR);
    tt_states *states = tt_states_open(test_states_path(), false, &err);
    assert_false(tt_states_differences(states, 0, 0, 1, 10, out, &err));
    tt_states_close(states);
}

static void test_cut_short(void **state) {
    (void)state;
    test_states_make(0);
    tt_error err;
    tt_states *states = tt_states_open(test_states_path(), true, &err);
    assert_true(test_states_put(states, 5, 2, &err));
    tt_states_close(states);
    assert_int_equal(truncate(test_states_path(), TEST_DATA + 7 * TEST_SAMPLE - 1), 0);
    test_states_refused(false, "it should hold 2 samples");
    const off_t lengths[] = {0,
                             1,
                             7,
                             8,
                             100,
                             191,
                             192,
                             4096,
                             5000,
                             16384,
                             TEST_DATA - 1,
                             TEST_DATA,
                             TEST_DATA + 9 * TEST_SAMPLE,
                             TEST_DATA + 10 * TEST_SAMPLE - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        test_states_make(10);
        assert_int_equal(truncate(test_states_path(), lengths[i]), 0);
        test_states_refused(i % 2, lengths[i] < 8 ? "not a states file" : "cut short");
    }
}

static void test_not_a_states_file(void **state) {
    (void)state;
    assert_true(tt_file_write(test_states_path(), "GGUF and other text that is long enough to be looked at", 55, NULL));
    test_states_refused(false, "not a states file");
    char *zeros = calloc(1, 40000);
    assert_true(tt_file_write(test_states_path(), zeros, 40000, NULL));
    free(zeros);
    test_states_refused(true, "not a states file");
    unlink(test_states_path());
    assert_int_equal(mkfifo(test_states_path(), 0600), 0);
    test_states_refused(true, "is not a file");
    test_states_refused(false, "is not a file");
    unlink(test_states_path());
}

static void test_damaged_header(void **state) {
    (void)state;
    for (off_t offset = 16; offset < 192; offset += 5) {
        test_states_make(2);
        test_states_flip(offset);
        test_states_refused(offset % 2, "is damaged");
    }
    test_states_make(2);
    test_states_poke(8, (uint8_t[]){1, 2, 3, 4}, 4);
    test_states_refused(false, "other byte order");
    test_states_make(2);
    test_states_poke(12, (uint8_t[]){2, 0, 0, 0}, 4);
    test_states_refused(false, "version 2");
    test_states_make(2);
    test_states_flip(16384 + 3);
    test_states_refused(false, "description of the run");
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
        test_states_make(2);
        test_states_poke(changes[i].offset, &changes[i].value, changes[i].size);
        reseal_header();
        test_states_refused(i % 2, "makes no sense");
    }
    /* More samples than the disk has room for: readable (its commit records are another header's, though). */
    test_states_make(2);
    test_states_poke(16, &(uint64_t){1ull << 40}, 8);
    reseal_header();
    test_states_refused(true, "both its commit records");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_sample), cmocka_unit_test(test_misplaced_vector),
        cmocka_unit_test(test_cut_short),      cmocka_unit_test(test_not_a_states_file),
        cmocka_unit_test(test_damaged_header), cmocka_unit_test(test_absurd_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
