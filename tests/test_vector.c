/* test_vector.c: control vectors: what is written is read again, what makes no sense is not written, and the names of files.
 * Files that others made: test_vector_foreign.c. */
#include "base/file.h"
#include "support/scratch.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_same(const tt_vector *a, const tt_vector *b) {
    assert_string_equal(a->architecture, b->architecture);
    assert_string_equal(a->model_name, b->model_name);
    assert_string_equal(a->axis, b->axis);
    assert_string_equal(a->class_name, b->class_name);
    assert_string_equal(a->classes[0], b->classes[0]);
    assert_string_equal(a->classes[1], b->classes[1]);
    assert_string_equal(a->fingerprint, b->fingerprint);
    assert_string_equal(a->method, b->method);
    assert_string_equal(a->version, b->version);
    assert_string_equal(a->recipe, b->recipe);
    assert_int_equal(a->layer_count, b->layer_count);
    assert_int_equal(a->layer_count_given, b->layer_count_given);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->role, b->role);
    assert_true(a->samples == b->samples && a->seed == b->seed && a->parameters == b->parameters);
    assert_int_equal(a->layer_offset, b->layer_offset);
    assert_memory_equal(a->recommended, b->recommended, sizeof a->recommended);
    assert_int_equal(a->figure_count, b->figure_count);
    if (a->figure_count) assert_memory_equal(a->figures, b->figures, a->figure_count * sizeof *a->figures);
    for (uint32_t K = 0; K < a->layer_count; K++) {
        assert_int_equal(a->rows[K] != NULL, b->rows[K] != NULL);
        if (a->rows[K]) assert_memory_equal(a->rows[K], b->rows[K], a->width * sizeof(float));
    }
}

static void test_round_trip(void **state) {
    (void)state;
    const char *first = scratch_path("first.gguf"), *second = scratch_path("second.gguf");
    tt_vector written = test_full_vector(), read;
    tt_error err = {0};
    assert_true(tt_vector_write(&written, first, &err));
    assert_true(tt_vector_read(&read, first, &err));
    assert_same(&written, &read);
    assert_string_equal(read.path, first);
    assert_true(tt_vector_write(&read, second, &err));
    size_t lengths[2];
    char *bytes[2] = {tt_file_read(first, 1 << 20, &lengths[0], NULL), tt_file_read(second, 1 << 20, &lengths[1], NULL)};
    assert_int_equal(lengths[0], lengths[1]);
    assert_memory_equal(bytes[0], bytes[1], lengths[0]);
    tt_vector_free(&read);
    assert_true(tt_vector_read_keys(&read, first, &err));
    assert_null(read.rows[1]);
    assert_string_equal(read.axis, "language");
    tt_vector_free(&read);
    tt_vector_free(&written);
    for (int i = 0; i < 2; i++) free(bytes[i]);
}

static void test_unwritable(void **state) {
    (void)state;
    const char *path = scratch_path("unwritable.gguf");
    tt_error err = {0};
    tt_vector vector = test_full_vector();
    vector.rows[4][1] = NAN;
    assert_false(tt_vector_write(&vector, path, &err));
    assert_non_null(strstr(err.message, "layer 4 is not finite"));
    assert_int_equal(access(path, F_OK), -1);
    tt_vector_free(&vector);
    assert_true(tt_vector_init(&vector, 4, 4, NULL));
    assert_false(tt_vector_write(&vector, path, &err));
    assert_non_null(strstr(err.message, "no layer has a direction"));
    const float row[4] = {0};
    assert_false(tt_vector_add_row(&vector, 0, row, 1, &err));
    assert_false(tt_vector_add_row(&vector, 4, row, 1, &err));
    assert_true(tt_vector_add_row(&vector, 3, row, 1, &err));
    assert_false(tt_vector_write(&vector, "/nowhere/at/all.gguf", &err));
    assert_int_equal(err.kind, TT_ERROR_IO);
    tt_vector_free(&vector);
}

static void test_add_row(void **state) {
    (void)state;
    tt_vector vector;
    assert_true(tt_vector_init(&vector, 3, 2, NULL));
    const float row[2] = {3, 4};
    assert_true(tt_vector_add_row(&vector, 2, row, 2, NULL));
    assert_true(tt_vector_add_row(&vector, 2, row, -1, NULL));
    assert_true(vector.rows[2][0] == 3 && vector.rows[2][1] == 4);
    assert_true(tt_vector_row_norm(&vector, 2) == 5 && tt_vector_row_norm(&vector, 1) == 0);
    assert_true(tt_vector_row_norm(&vector, 99) == 0 && tt_vector_norm(&vector) == 5);
    tt_vector_free(&vector);
    tt_vector_free(&vector); /* harmless */
}

static void test_names(void **state) {
    (void)state;
    const char *const safe[][2] = {{"Qwen2.5-7B_Instruct", "Qwen2.5-7B_Instruct"},
                                   {"mistral-large:123b", "mistral-large-123b"},
                                   {"a  / b", "a-b"},
                                   {"../x", "..-x"},
                                   {"\xc3\xa4", "model"},
                                   {"", "model"},
                                   {" Smol LM ", "Smol-LM"}};
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++) {
        char *name = tt_safe_name(safe[i][0], NULL);
        assert_string_equal(name, safe[i][1]);
        free(name);
    }
    char *path = tt_vector_path("out", "a:b", "language", "debias", NULL);
    assert_string_equal(path, "out/a-b-language__debias.gguf");
    free(path);
    tt_vector_name name;
    assert_true(tt_vector_name_parse("x/y-z/qwen:14b-chat-humility_vs_narcissism__humility.gguf", &name));
    assert_true(name.model_length == strlen("qwen:14b-chat") && !strncmp(name.model, "qwen:14b-chat-", 14));
    assert_true(name.axis_length == strlen("humility_vs_narcissism") && !strncmp(name.axis, "humility_vs_n", 13));
    assert_true(name.suffix_length == strlen("humility") && !strncmp(name.suffix, "humility.gguf", 13));
    const char *const others[] = {"model.gguf", "a-b__c",     "a-b__c.bin", ".gguf",      "-b__c.gguf",     "a-b__.gguf",
                                  "a-__c.gguf", "ab__c.gguf", "a__b.gguf",  "a-b_c.gguf", "x-y__z/ab.gguf", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (tt_vector_name_parse(others[i], &name)) fail_msg("'%s' was taken", others[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_unwritable),
        cmocka_unit_test(test_add_row),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
