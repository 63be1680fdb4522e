/* test_mix.c: mixes: what may be asked for, and what it comes to. */
#include "base/file.h"
#include "support/blends.h"
#include "support/scratch.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void assert_same_rows(const tt_vector *a, const tt_vector *b) {
    assert_int_equal(a->layer_count, b->layer_count);
    assert_int_equal(a->width, b->width);
    for (uint32_t K = 0; K < a->layer_count; K++) {
        assert_int_equal(a->rows[K] != NULL, b->rows[K] != NULL);
        if (a->rows[K]) assert_memory_equal(a->rows[K], b->rows[K], a->width * sizeof(float));
    }
}

/* ==== Asking ==== */

static void test_parse(void **state) {
    (void)state;
    tt_mix mix = {0};
    tt_error err = {0};
    assert_true(tt_mix_parse(&mix, "language=0.5", &err));
    assert_true(tt_mix_parse(&mix, "a=-1,b=+.25,odd=name=1e-1", &err));
    assert_int_equal(mix.count, 4);
    assert_string_equal(mix.terms[3].name, "odd=name");
    assert_true(mix.terms[0].value == 0.5 && mix.terms[1].value == -1 && mix.terms[2].value == 0.25);
    const char *const bad[] = {"",      "language",    "=0.5",     "language=",    "language=abc", "language=nan",
                               "a=inf", "a=-infinity", "a=0x10",   "a=1e999",      "a=0.5 ",       "a= 0.5",
                               "a=1,",  ",a=1",        "a=1,,b=2", "language=0,5", "a=1,b",        "a=0.5x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (tt_mix_parse(&mix, bad[i], &err)) fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(err.kind, TT_ERROR_USAGE);
        assert_int_equal(mix.count, 4); /* as it was, also where the first part was right */
    }
    assert_false(tt_mix_add_axis(&mix, "language", NAN, &err));
    assert_false(tt_mix_add_axis(&mix, "", 1, &err));
    assert_false(tt_mix_add_file(&mix, "", 1, &err));
    tt_mix_free(&mix);
    tt_mix_free(&mix);
}

/* A decimal point is one wherever people write commas. */
static void test_parse_in_another_locale(void **state) {
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < 3 && !found; i++) found = setlocale(LC_NUMERIC, names[i]) != NULL;
    tt_mix mix = {0};
    assert_true(tt_mix_parse(&mix, "language=0.5", NULL));
    assert_true(mix.terms[0].value == 0.5);
    char *text = tt_mix_text(&mix, NULL, NULL, NULL);
    assert_string_equal(text, "language=0.5");
    free(text);
    tt_mix_free(&mix);
    setlocale(LC_NUMERIC, "C");
    if (!found) {
        print_message("skipped: this system has no locale with a decimal comma\n");
        skip();
    }
}

static void test_parse_files(void **state) {
    (void)state;
    tt_mix mix = {0};
    tt_error err = {0};
    assert_true(tt_mix_parse_files(&mix, "a.gguf,b.gguf", false, &err));
    assert_true(tt_mix_parse_files(&mix, "c.gguf:0.5,\"d,with \"\"commas\"\".gguf:-2\"", true, &err));
    assert_true(tt_mix_parse_files(&mix, "mistral-large:123b-language__ornate.gguf:0.25", true, &err));
    assert_int_equal(mix.count, 5);
    assert_string_equal(mix.terms[1].file, "b.gguf");
    assert_string_equal(mix.terms[3].file, "d,with \"commas\".gguf");
    assert_string_equal(mix.terms[4].file, "mistral-large:123b-language__ornate.gguf");
    assert_true(mix.terms[0].value == 1 && mix.terms[2].value == 0.5 && mix.terms[3].value == -2);
    const char *const bad[] = {"a.gguf", "a.gguf:", "a.gguf:x", ":0.5", "a.gguf:0.5,", "\"a.gguf:0.5", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (tt_mix_parse_files(&mix, bad[i], true, &err)) fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(mix.count, 5);
    }
    assert_false(tt_mix_parse_files(&mix, "a.gguf,,b.gguf", false, &err));
    tt_mix_free(&mix);
}

static void test_layers(void **state) {
    (void)state;
    tt_mix mix = {0};
    assert_true(tt_mix_set_layers(&mix, 2, 0, NULL));
    assert_false(tt_mix_set_layers(&mix, 3, 2, NULL));
    assert_false(tt_mix_set_layers(&mix, -1, 2, NULL));
    assert_false(tt_mix_set_layers(&mix, 1, INT64_MAX, NULL));
    assert_true(tt_mix_parse(&mix, "language=1", NULL));
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    const tt_mix_options options = {.catalogue = &catalogue, .target = &test_target};
    tt_blend blend;
    assert_true(tt_mix_set_layers(&mix, 2, 2, NULL));
    assert_true(tt_mix_blend(&blend, &mix, &options, NULL));
    assert_true(!blend.vector.rows[1] && blend.vector.rows[2] && !blend.vector.rows[3]);
    assert_string_equal(blend.vector.recipe, "language=1,layers 2-2");
    tt_blend_free(&blend);
    assert_true(tt_mix_set_layers(&mix, 9, 0, NULL));
    assert_true(tt_mix_blend(&blend, &mix, &options, NULL));
    assert_true(test_has_note(&blend.warnings, "steers nothing"));
    tt_blend_free(&blend);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

/* ==== Adding up ==== */

/* Row K of one of the axis' files. The caller frees the vector. */
static tt_vector file_of(const char *suffix) {
    char *path = tt_vector_path(scratch_folder(), "Tiny", "language", suffix, NULL);
    tt_vector vector;
    assert_true(tt_vector_read(&vector, path, NULL));
    free(path);
    return vector;
}

static void test_sum(void **state) {
    (void)state;
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    tt_blend blend = test_must_blend("language=-0.7", &catalogue);
    tt_vector debias = file_of("debias"), simple = file_of("simple");
    for (uint32_t K = 1; K < 4; K++) {
        for (uint32_t i = 0; i < 8; i++)
            assert_true(blend.vector.rows[K][i] == (float)((double)debias.rows[K][i] + 0.7 * (double)simple.rows[K][i]));
    }
    assert_int_equal(blend.part_count, 2);
    assert_int_equal(blend.vector.role, TT_ROLE_MIX);
    assert_string_equal(blend.vector.fingerprint, "f00d");
    assert_string_equal(blend.vector.model_name, "Tiny");
    assert_string_equal(blend.vector.architecture, "llama");
    assert_int_equal(blend.warnings.count, 0);
    tt_blend_free(&blend);
    blend = test_must_blend("language=0", &catalogue); /* the de-bias vector alone */
    assert_int_equal(blend.part_count, 1);
    assert_same_rows(&blend.vector, &debias);
    assert_int_equal(blend.axis_count, 0);
    tt_blend_free(&blend);
    tt_vector_free(&debias);
    tt_vector_free(&simple);
    tt_catalogue_free(&catalogue);
}

/* Several ways to say the same are the same, to the last bit. */
static void test_same_mixes(void **state) {
    (void)state;
    const char *const same[][2] = {
        {"language=0.3,storytelling=-0.6", "storytelling=-0.6,language=0.3"},
        {"language=0.3,storytelling=-0.6", "explicit=0.6,ornate=0.3"},
        {"language=0.3,storytelling=-0.6", "descriptive=-0.6,simple=-0.3"},
        {"language=0", "simple=-0"},
    };
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        tt_blend a = test_must_blend(same[i][0], &catalogue), b = test_must_blend(same[i][1], &catalogue);
        assert_same_rows(&a.vector, &b.vector);
        assert_string_equal(a.vector.recipe, same[i][0]);
        assert_string_equal(b.vector.recipe, same[i][0]);
        tt_blend_free(&a);
        tt_blend_free(&b);
    }
    tt_catalogue_free(&catalogue);
}

/* Minus a half of one side is plus a half of the other: files, with llama.cpp's meaning. */
static void test_opposite_files(void **state) {
    (void)state;
    const char *debias = scratch_path("Tiny-language__debias.gguf"), *simple = scratch_path("Tiny-language__simple.gguf");
    const char *ornate = scratch_path("Tiny-language__ornate.gguf");
    tt_blend blends[2];
    for (int i = 0; i < 2; i++) {
        tt_mix mix = {0};
        assert_true(tt_mix_add_file(&mix, i ? simple : ornate, i ? 0.5 : -0.5, NULL));
        assert_true(tt_mix_add_file(&mix, debias, 1, NULL));
        assert_true(tt_mix_blend(&blends[i], &mix, &(tt_mix_options){.target = &test_target}, NULL));
        tt_mix_free(&mix);
    }
    assert_same_rows(&blends[0].vector, &blends[1].vector);
    assert_string_equal(blends[0].vector.recipe, "Tiny-language__debias.gguf:1,Tiny-language__ornate.gguf:-0.5");
    for (int i = 0; i < 2; i++) tt_blend_free(&blends[i]);
}

/* A mix written to a file steers as the mix does. */
static void test_merged_file(void **state) {
    (void)state;
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    tt_blend blend = test_must_blend("language=0.3,storytelling=0.2", &catalogue), again;
    const char *path = scratch_subfolder("merged");
    char *file = tt_path_join(path, "mix.gguf", NULL);
    assert_true(tt_vector_write(&blend.vector, file, NULL));
    tt_mix mix = {0};
    assert_true(tt_mix_add_file(&mix, file, 1, NULL));
    assert_true(tt_mix_blend(&again, &mix, &(tt_mix_options){.target = &test_target}, NULL));
    assert_same_rows(&again.vector, &blend.vector);
    assert_int_equal(again.warnings.count, 0);
    tt_mix_free(&mix);
    tt_blend_free(&blend);
    tt_blend_free(&again);
    free(file);
    tt_catalogue_free(&catalogue);
}

static void test_empty_mix(void **state) {
    (void)state;
    tt_mix mix = {0};
    tt_blend blend;
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){.target = &test_target}, NULL));
    assert_true(blend.vector.layer_count == 4 && blend.vector.width == 8 && !blend.vector.rows[1] &&
                isinf(blend.safe_scale));
    assert_int_equal(blend.warnings.count, 0);
    tt_blend_free(&blend);
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){0}, NULL));
    assert_true(blend.vector.layer_count == 0 && blend.vector.width == 0);
    tt_blend_free(&blend);
}

/* Bytes that are no UTF-8 come before the letters once they are shown, and after them as they are. */
static void test_text_of_bytes(void **state) {
    (void)state;
    tt_mix mix = {0}, again = {0};
    assert_true(tt_mix_parse(&mix, "cd=2,c\377=1", NULL));
    char *text = tt_mix_text(&mix, NULL, NULL, NULL);
    assert_string_equal(text, "c?=1,cd=2");
    assert_true(tt_mix_parse(&again, text, NULL));
    char *second = tt_mix_text(&again, NULL, NULL, NULL);
    assert_string_equal(text, second);
    free(text);
    free(second);
    tt_mix_free(&mix);
    tt_mix_free(&again);
}

static void test_set_axis(void **state) {
    (void)state;
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    tt_mix mix = {0};
    tt_error err = {0};
    assert_true(tt_mix_parse(&mix, "language=0.5,storytelling=0.1", NULL));
    assert_true(tt_mix_set_axis(&mix, &catalogue, &test_target, "simple", 0.7, &err));
    char *text = tt_mix_text(&mix, &catalogue, &test_target, &err);
    assert_string_equal(text, "language=-0.7,storytelling=0.1");
    free(text);
    assert_false(tt_mix_set_axis(&mix, &catalogue, &test_target, "langauge", 1, &err));
    assert_non_null(strstr(err.message, "did you mean 'language'"));
    assert_false(tt_mix_set_axis(&mix, &catalogue, &test_target, "language", NAN, &err));
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_in_another_locale),
        cmocka_unit_test(test_parse_files),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_same_mixes),
        cmocka_unit_test(test_opposite_files),
        cmocka_unit_test(test_merged_file),
        cmocka_unit_test(test_empty_mix),
        cmocka_unit_test(test_text_of_bytes),
        cmocka_unit_test(test_set_axis),
    };
    return cmocka_run_group_tests(tests, test_two_axes, NULL);
}
