/* test_vector_foreign.c: control-vector files that others made: hostile ones, damaged ones, and those of other tools.
 * Hostile files are made here byte by byte, because libggml's writer would not write them. */
#include "base/file.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <fcntl.h>
#include <gguf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ==== Files made byte by byte ==== */

static void put_u32(tt_text *file, uint32_t value) { tt_text_add_bytes(file, (const char *)&value, sizeof value); }
static void put_u64(tt_text *file, uint64_t value) { tt_text_add_bytes(file, (const char *)&value, sizeof value); }
static void put_f32(tt_text *file, float value) { tt_text_add_bytes(file, (const char *)&value, sizeof value); }

static void put_string(tt_text *file, const char *string) {
    put_u64(file, strlen(string));
    tt_text_add(file, string);
}

static void put_head(tt_text *file, uint32_t version, uint64_t tensors, uint64_t keys) {
    tt_text_add(file, "GGUF");
    put_u32(file, version);
    put_u64(file, tensors);
    put_u64(file, keys);
}

static void put_string_key(tt_text *file, const char *key, const char *value) {
    put_string(file, key);
    put_u32(file, GGUF_TYPE_STRING);
    put_string(file, value);
}

static void put_u32_key(tt_text *file, const char *key, uint32_t value) {
    put_string(file, key);
    put_u32(file, GGUF_TYPE_UINT32);
    put_u32(file, value);
}

static void put_tensor(tt_text *file, const char *name, uint64_t extent, uint32_t type, uint64_t offset) {
    put_string(file, name);
    put_u32(file, 1);
    put_u64(file, extent);
    put_u32(file, type);
    put_u64(file, offset);
}

static void put_padding(tt_text *file) {
    while (file->length % 32) tt_text_add_bytes(file, "", 1);
}

/* A sound file's beginning: `tensors` rows are still to be described, and `keys` more keys come first. */
static void put_sound_head(tt_text *file, uint64_t tensors, uint64_t keys) {
    put_head(file, 3, tensors, keys + 3);
    put_string_key(file, "general.architecture", "controlvector");
    put_string_key(file, "controlvector.model_hint", "llama");
    put_u32_key(file, "controlvector.layer_count", 4);
}

/* Plain, without waiting for the disk: it is done a thousand times. */
static void write_plainly(const char *path, const char *bytes, size_t length) {
    unlink(path); /* some file systems wait for the disk when a file is written anew */
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

/* Writes what `file` holds, reads it as a vector and demands failure with a message that holds `expected`. */
static void refuse(tt_text *file, const char *expected) {
    const char *path = scratch_path("hostile.gguf");
    assert_true(tt_text_ok(file, NULL));
    write_plainly(path, file->data ? file->data : "", file->length);
    tt_error err = {0};
    tt_vector vector;
    const bool read = tt_vector_read(&vector, path, &err);
    if (read) tt_vector_free(&vector);
    assert_false(read);
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_null(strchr(err.message, '\n'));
    assert_null(vector.rows);
    tt_text_free(file);
}

static void test_no_gguf(void **state) {
    (void)state;
    tt_text file = {0};
    refuse(&file, "it is empty");
    tt_text_add(&file, "GGUF");
    refuse(&file, "too short");
    tt_text_add(&file, "{\"classes\": [\"simple\", \"ornate\"]}");
    refuse(&file, "not a GGUF file");
    put_head(&file, 0x03000000, 1, 1);
    refuse(&file, "other byte order");
    put_head(&file, 1, 0, 0);
    refuse(&file, "version 1");
    put_head(&file, 4, 0, 0);
    refuse(&file, "version 4");
}

static void test_huge_counts(void **state) {
    (void)state;
    tt_text file = {0};
    put_head(&file, 3, UINT64_MAX, 1);
    refuse(&file, "claims 18446744073709551615 tensors");
    put_head(&file, 3, 0, UINT64_C(1) << 40);
    refuse(&file, "claims");
    put_head(&file, 3, 0, 1); /* a key as long as the address space */
    put_u64(&file, UINT64_MAX - 7);
    refuse(&file, "more than the file holds");
    put_head(&file, 3, 0, 1); /* an array as large as the address space */
    put_string(&file, "a");
    put_u32(&file, GGUF_TYPE_ARRAY);
    put_u32(&file, GGUF_TYPE_FLOAT64);
    put_u64(&file, UINT64_MAX / 8 + 1);
    refuse(&file, "more than the file holds");
    put_head(&file, 3, 0, 1); /* the same of strings */
    put_string(&file, "a");
    put_u32(&file, GGUF_TYPE_ARRAY);
    put_u32(&file, GGUF_TYPE_STRING);
    put_u64(&file, UINT64_MAX);
    refuse(&file, "more than the file holds");
    put_head(&file, 3, 0, 1);
    put_string(&file, "a");
    put_u32(&file, GGUF_TYPE_STRING);
    put_u64(&file, UINT64_C(1) << 63);
    refuse(&file, "more than the file holds");
    put_sound_head(&file, 1, 0); /* a row of 2^40 values */
    put_tensor(&file, "direction.1", UINT64_C(1) << 40, GGML_TYPE_F32, 0);
    refuse(&file, "larger than the file");
    put_sound_head(&file, 1, 0); /* a product of extents that overflows */
    put_string(&file, "direction.1");
    put_u32(&file, 4);
    for (int i = 0; i < 4; i++) put_u64(&file, UINT64_C(1) << 32);
    put_u32(&file, GGML_TYPE_F32);
    put_u64(&file, 0);
    refuse(&file, "larger than the file");
    put_sound_head(&file, 1, 0);
    put_tensor(&file, "direction.4000000000", 4, GGML_TYPE_F32, 0);
    put_padding(&file);
    for (int i = 0; i < 4; i++) put_f32(&file, 1);
    refuse(&file, "is not named direction.K");
}

static void test_damaged_keys(void **state) {
    (void)state;
    tt_text file = {0};
    put_sound_head(&file, 0, 1); /* an alignment that would abort libggml's reader */
    put_string_key(&file, "general.alignment", "32");
    refuse(&file, "wrong type");
    put_sound_head(&file, 0, 1);
    put_u32_key(&file, "general.alignment", 0);
    refuse(&file, "no power of two");
    put_sound_head(&file, 0, 1);
    put_u32_key(&file, "general.alignment", 48);
    refuse(&file, "no power of two");
    put_sound_head(&file, 0, 1);
    put_string_key(&file, "general.architecture", "controlvector");
    refuse(&file, "'general.architecture' twice");
    put_sound_head(&file, 0, 1);
    put_string_key(&file, "", "nothing");
    refuse(&file, "has 0 bytes");
    put_sound_head(&file, 0, 1);
    put_u64(&file, 3);
    tt_text_add_bytes(&file, "a\0b", 3);
    put_u32(&file, GGUF_TYPE_UINT8);
    tt_text_add_bytes(&file, "", 1);
    refuse(&file, "holds a zero byte");
    put_sound_head(&file, 0, 1);
    put_string(&file, "a");
    put_u32(&file, GGUF_TYPE_COUNT);
    refuse(&file, "unknown type 13");
    put_sound_head(&file, 0, 1); /* an array of arrays */
    put_string(&file, "a");
    put_u32(&file, GGUF_TYPE_ARRAY);
    put_u32(&file, GGUF_TYPE_ARRAY);
    put_u64(&file, 1);
    refuse(&file, "unknown type 9");
}

/* Adds one row for layer 1 and its values: what makes the keys before it complete. */
static void put_one_row(tt_text *file) {
    put_tensor(file, "direction.1", 8, GGML_TYPE_F32, 0);
    put_padding(file);
    for (int i = 0; i < 8; i++) put_f32(file, 1);
}

/* One more key in a file that is sound otherwise. */
static void refuse_string_key(const char *key, const char *value, const char *expected) {
    tt_text file = {0};
    put_sound_head(&file, 1, 1);
    put_string_key(&file, key, value);
    put_one_row(&file);
    refuse(&file, expected);
}

static void refuse_u32_key(const char *key, uint32_t value, const char *expected) {
    tt_text file = {0};
    put_sound_head(&file, 1, 1);
    put_u32_key(&file, key, value);
    put_one_row(&file);
    refuse(&file, expected);
}

static void test_wrong_keys(void **state) {
    (void)state;
    tt_text file = {0};
    put_head(&file, 3, 1, 1);
    put_string_key(&file, "general.architecture", "llama");
    put_one_row(&file);
    refuse(&file, "its architecture is 'llama'");
    put_head(&file, 3, 1, 1);
    put_u32_key(&file, "general.architecture", 7);
    put_one_row(&file);
    refuse(&file, "'general.architecture' has a wrong type");
    refuse_u32_key("trimtab.axis", 1, "'trimtab.axis' has a wrong type");
    refuse_string_key("trimtab.role", "boss", "its role 'boss'");
    refuse_string_key("trimtab.classes", "simple", "not two strings");
    refuse_u32_key("trimtab.layer_offset", 2, "'trimtab.layer_offset' has a wrong type or value");
    put_sound_head(&file, 1, 1);
    put_string(&file, "trimtab.samples");
    put_u32(&file, GGUF_TYPE_INT64);
    put_u64(&file, UINT64_MAX);
    put_one_row(&file);
    refuse(&file, "'trimtab.samples' has a wrong type or value");
    put_sound_head(&file, 1, 1);
    put_string(&file, "trimtab.recommended");
    put_u32(&file, GGUF_TYPE_ARRAY);
    put_u32(&file, GGUF_TYPE_FLOAT32);
    put_u64(&file, 2);
    put_f32(&file, 0.5F);
    put_f32(&file, NAN);
    put_one_row(&file);
    refuse(&file, "not two finite numbers");
    put_sound_head(&file, 1, 1); /* a block number without the figures that belong to it */
    put_string(&file, "trimtab.figures.block");
    put_u32(&file, GGUF_TYPE_ARRAY);
    put_u32(&file, GGUF_TYPE_UINT32);
    put_u64(&file, 1);
    put_u32(&file, 1);
    put_one_row(&file);
    refuse(&file, "'trimtab.figures.kept' has a wrong length");
    put_head(&file, 3, 1, 2);
    put_string_key(&file, "general.architecture", "controlvector");
    put_u32_key(&file, "controlvector.layer_count", UINT32_MAX);
    put_one_row(&file);
    refuse(&file, "'controlvector.layer_count' has a wrong type or value");
}

static void test_wrong_rows(void **state) {
    (void)state;
    const struct {
        const char *name, *expected;
        uint32_t type;
    } cases[] = {
        {"direction.0", "layer 0", GGML_TYPE_F32},
        {"direction.4", "numbered from 0", GGML_TYPE_F32}, /* layer_count is 4 */
        {"direction.9999", "no model has", GGML_TYPE_F32},
        {"direction.", "not named", GGML_TYPE_F32},
        {"direction.-1", "not named", GGML_TYPE_F32},
        {"direction.01", "not named", GGML_TYPE_F32},
        {"direction.1 ", "not named", GGML_TYPE_F32},
        {"blk.1.weight", "not named", GGML_TYPE_F32},
        {"direction.1", "not of type F32", GGML_TYPE_I32},
        {"direction.1", "does not know", 9999},
        {"direction.1", "does not know", 4}, /* a type that was removed */
        {"direction.1", "whole number of blocks", GGML_TYPE_Q8_0},
    };
    tt_text file = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_sound_head(&file, 1, 0);
        put_tensor(&file, cases[i].name, 8, cases[i].type, 0);
        put_padding(&file);
        for (int j = 0; j < 8; j++) put_f32(&file, 1);
        refuse(&file, cases[i].expected);
    }
    put_sound_head(&file, 0, 0);
    refuse(&file, "holds no direction");
}

static void test_wrong_shapes(void **state) {
    (void)state;
    tt_text file = {0};
    put_sound_head(&file, 1, 0);
    put_string(&file, "direction.1");
    put_u32(&file, 2);
    put_u64(&file, 4);
    put_u64(&file, 2);
    put_u32(&file, GGML_TYPE_F32);
    put_u64(&file, 0);
    put_padding(&file);
    for (int i = 0; i < 8; i++) put_f32(&file, 1);
    refuse(&file, "more than one dimension");
    put_sound_head(&file, 1, 0);
    put_string(&file, "direction.1");
    put_u32(&file, 5);
    refuse(&file, "too many dimensions");
    put_sound_head(&file, 1, 0);
    put_tensor(&file, "direction.1", 0, GGML_TYPE_F32, 0);
    refuse(&file, "not positive");
    put_sound_head(&file, 1, 0);
    put_tensor(&file, "direction.1", UINT64_MAX, GGML_TYPE_F32, 0);
    refuse(&file, "not positive");
    put_sound_head(&file, 2, 0); /* rows of two lengths */
    put_tensor(&file, "direction.1", 8, GGML_TYPE_F32, 0);
    put_tensor(&file, "direction.2", 16, GGML_TYPE_F32, 32);
    put_padding(&file);
    for (int i = 0; i < 24; i++) put_f32(&file, 1);
    refuse(&file, "differs in length");
    put_sound_head(&file, 2, 0);
    put_tensor(&file, "direction.1", 8, GGML_TYPE_F32, 0);
    put_tensor(&file, "direction.1", 8, GGML_TYPE_F32, 32);
    put_padding(&file);
    for (int i = 0; i < 16; i++) put_f32(&file, 1);
    refuse(&file, "'direction.1' twice");
    put_sound_head(&file, 2, 0); /* both at the same place */
    put_tensor(&file, "direction.1", 8, GGML_TYPE_F32, 0);
    put_tensor(&file, "direction.2", 8, GGML_TYPE_F32, 0);
    put_padding(&file);
    for (int i = 0; i < 16; i++) put_f32(&file, 1);
    refuse(&file, "does not begin where the one before it ends");
    put_sound_head(&file, 1, 0);
    put_tensor(&file, "direction.1", 8, GGML_TYPE_F32, UINT64_MAX - 31);
    refuse(&file, "does not begin where");
    put_sound_head(&file, 1, 0);
    put_tensor(&file, "a tensor name of more than sixty-three bytes, which is too long, and more", 8, GGML_TYPE_F32, 0);
    refuse(&file, "not 1 to 63");
}

static void test_values_not_finite(void **state) {
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        tt_text file = {0};
        put_sound_head(&file, 1, 0);
        put_tensor(&file, "direction.3", 2, GGML_TYPE_F32, 0);
        put_padding(&file);
        put_f32(&file, 1);
        put_f32(&file, bad[i]);
        refuse(&file, "not finite");
    }
}

/* ==== Damage ==== */

/* Whatever length a sound file is cut to, it is refused with a sentence. */
static void test_truncated(void **state) {
    (void)state;
    const char *whole = scratch_path("whole.gguf");
    tt_vector vector = test_full_vector();
    assert_true(tt_vector_write(&vector, whole, NULL));
    tt_vector_free(&vector);
    size_t length;
    char *bytes = tt_file_read(whole, 1 << 20, &length, NULL);
    const size_t padding = 32 - 3 * sizeof(float); /* behind the last row: only that may be missing */
    for (size_t cut = 0; cut < length - padding; cut++) {
        tt_text file = {0};
        tt_text_add_bytes(&file, bytes, cut);
        refuse(&file, "hostile.gguf'");
    }
    free(bytes);
}

/* One byte changed anywhere: a failure or a sound vector, but never a crash (run under the sanitizers). */
static void test_flipped_bytes(void **state) {
    (void)state;
    const char *path = scratch_path("flipped.gguf");
    tt_vector vector = test_full_vector();
    assert_true(tt_vector_write(&vector, path, NULL));
    tt_vector_free(&vector);
    size_t length, survivors = 0;
    char *bytes = tt_file_read(path, 1 << 20, &length, NULL);
    for (size_t i = 0; i < length; i++) {
        const char kept = bytes[i];
        bytes[i] = (char)~kept;
        write_plainly(path, bytes, length);
        bytes[i] = kept;
        tt_error err = {0};
        if (tt_vector_read(&vector, path, &err)) {
            survivors++;
            tt_vector_free(&vector);
        } else {
            assert_true(err.message[0] != '\0');
        }
    }
    assert_true(survivors > 0 && survivors < length);
    free(bytes);
}

static void test_not_a_file(void **state) {
    (void)state;
    tt_vector vector;
    tt_error err = {0};
    assert_false(tt_vector_read(&vector, scratch_folder(), &err));
    assert_non_null(strstr(err.message, "not a file"));
    const char *path = scratch_path("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(tt_vector_read(&vector, path, &err)); /* without waiting for a writer */
    assert_non_null(strstr(err.message, "not a file"));
    path = scratch_path("missing.gguf");
    assert_false(tt_vector_read(&vector, path, &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    tt_vector_free(&vector);
}

/* ==== Other tools ==== */

/* What other tools write: few keys, and the number of rows as layer_count. */
static void test_foreign(void **state) {
    (void)state;
    const char *path = scratch_path("mistral-large:123b-language__ornate.gguf");
    tt_text file = {0};
    put_head(&file, 3, 3, 3);
    put_string_key(&file, "general.architecture", "controlvector");
    put_string_key(&file, "controlvector.model_hint", "mistral");
    put_string(&file, "controlvector.layer_count");
    put_u32(&file, GGUF_TYPE_INT32);
    put_u32(&file, 3);
    for (uint32_t K = 1; K <= 3; K++) {
        char name[32];
        snprintf(name, sizeof name, "direction.%u", K);
        put_tensor(&file, name, 8, GGML_TYPE_F32, (K - 1) * 32);
    }
    put_padding(&file);
    for (int i = 0; i < 24; i++) put_f32(&file, (float)i);
    assert_true(tt_file_write(path, file.data, file.length, NULL));
    tt_text_free(&file);
    tt_vector vector;
    tt_error err = {0};
    assert_true(tt_vector_read(&vector, path, &err));
    assert_int_equal(vector.layer_count, 4);
    assert_false(vector.layer_count_given);
    assert_int_equal(vector.width, 8);
    assert_true(vector.rows[3][7] == 23);
    assert_string_equal(vector.model_name, "mistral-large:123b");
    assert_string_equal(vector.axis, "language");
    assert_string_equal(vector.class_name, "ornate");
    assert_int_equal(vector.role, TT_ROLE_UNKNOWN);
    assert_int_equal(vector.layer_offset, -1);
    tt_vector_free(&vector);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_gguf),           cmocka_unit_test(test_huge_counts), cmocka_unit_test(test_damaged_keys),
        cmocka_unit_test(test_wrong_keys),        cmocka_unit_test(test_wrong_rows),  cmocka_unit_test(test_wrong_shapes),
        cmocka_unit_test(test_values_not_finite), cmocka_unit_test(test_truncated),   cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_not_a_file),        cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
