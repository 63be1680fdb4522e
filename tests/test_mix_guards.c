/* test_mix_guards.c: what a mix is refused for, each in its sentence, and vectors that are known by their files' names
 * alone. */
#include "base/file.h"
#include "base/memory.h"
#include "support/blends.h"
#include "support/scratch.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void refuse_blend(const char *text, const tt_catalogue *catalogue, const tt_vector_target *for_model,
                         const char *expected) {
    tt_blend blend;
    tt_error err = {0};
    assert_false(test_blend(&blend, text, catalogue, for_model, false, &err));
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
    assert_null(strchr(err.message, '\n'));
}

static void test_wrong_names(void **state) {
    (void)state;
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    refuse_blend("langauge=1", &catalogue, &test_target, "did you mean 'language'?");
    refuse_blend("weather=1", &catalogue, &test_target, "it has some for 'language' and others");
    refuse_blend("language=0.5,language=0.5", &catalogue, &test_target, "has 'language' twice");
    refuse_blend("simple=0.5,ornate=0.5", &catalogue, &test_target, "both set the axis 'language'");
    refuse_blend("simple=0.5,language=0.5", &catalogue, &test_target, "both set the axis 'language'");
    refuse_blend("language=1", NULL, &test_target, "--vectors DIR");
    tt_catalogue_free(&catalogue);
    const char *path = scratch_subfolder("empty");
    catalogue = test_catalogue_open(path);
    refuse_blend("language=1", &catalogue, &test_target, "trimtab train");
    tt_catalogue_free(&catalogue);
    tt_error err = {0};
    assert_false(tt_catalogue_open(&catalogue, "/nowhere/at/all", NULL, 0, &err));
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

static void test_other_model(void **state) {
    (void)state;
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    tt_vector_target other = test_target;
    other.width = 16;
    refuse_blend("language=1", &catalogue, &other, "hidden size is 8, and that of the model is 16");
    other = test_target;
    other.layer_count = 3;
    refuse_blend("language=1", &catalogue, &other, "steers layer 3, and the last one of the model is 2");
    other.layer_count = 5;
    refuse_blend("language=1", &catalogue, &other, "one of 4 layers, and the model has 5 (--force");
    tt_blend blend;
    assert_true(test_blend(&blend, "language=1", &catalogue, &other, true, NULL));
    assert_true(test_has_note(&blend.warnings, "one of 4 layers"));
    assert_int_equal(blend.vector.layer_count, 5);
    tt_blend_free(&blend);
    other = test_target;
    other.architecture = "qwen2";
    refuse_blend("language=1", &catalogue, &other, "its architecture is 'llama', and that of the model is 'qwen2'");
    other = test_target;
    other.fingerprint = "beef";
    refuse_blend("language=1", &catalogue, &other, "the fingerprint of the model is another one");
    assert_true(test_blend(&blend, "language=1", &catalogue, &other, true, NULL));
    tt_blend_free(&blend);
    other = (tt_vector_target){.architecture = "", .fingerprint = "", .width = 8}; /* little is known of it */
    assert_true(test_blend(&blend, "language=1", &catalogue, &other, false, NULL));
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
}

/* Without a model the vectors are held against each other. */
static void test_vectors_of_two_models(void **state) {
    (void)state;
    const char *path = scratch_subfolder("two");
    const test_axis first = {.folder = path, .axis = "language", .classes = {"simple", "ornate"}};
    const test_axis second = {.folder = path, .axis = "mood", .classes = {"sad", "gay"}, .width = 16, .fingerprint = "beef"};
    const test_axis third = {.folder = path,
                             .axis = "language",
                             .classes = {"simple", "ornate"},
                             .model = "Other",
                             .fingerprint = "beef",
                             .width = 16};
    test_axis_write(&first);
    test_axis_write(&second);
    tt_catalogue catalogue = test_catalogue_open(path);
    refuse_blend("language=1,mood=1", &catalogue, NULL, "Tiny-language__debias.gguf' is 8");
    tt_blend blend;
    assert_true(test_blend(&blend, "language=1", &catalogue, NULL, false, NULL));
    assert_int_equal(blend.vector.layer_count, 4);
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    /* The same axis of two models: the model decides which is meant. */
    test_axis_write(&third);
    catalogue = test_catalogue_open(path);
    refuse_blend("language=1", &catalogue, NULL, "of several models, 'Other' and 'Tiny'");
    const tt_vector_target wide = {.architecture = "llama", .fingerprint = "beef", .width = 16, .layer_count = 4};
    assert_true(test_blend(&blend, "language=1,mood=1", &catalogue, &wide, false, NULL));
    tt_blend_free(&blend);
    assert_true(test_blend(&blend, "language=1", &catalogue, &test_target, false, NULL));
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
}

static void refuse_files(const char *const *names, size_t count, const char *expected) {
    tt_mix mix = {0};
    for (size_t i = 0; i < count; i++) {
        const char *path = scratch_path(names[i]);
        assert_true(tt_mix_add_file(&mix, path, 1, NULL));
    }
    tt_blend blend;
    tt_error err = {0};
    tt_mix_options options = {.target = &test_target};
    assert_false(tt_mix_blend(&blend, &mix, &options, &err));
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
    options.force = true;
    if (!tt_mix_blend(&blend, &mix, &options, &err)) fail_msg("%s", err.message);
    assert_true(test_has_note(&blend.warnings, expected));
    tt_blend_free(&blend);
    tt_mix_free(&mix);
}

static void test_wrong_company(void **state) {
    (void)state;
    const char *const debias = "Tiny-language__debias.gguf", *const simple = "Tiny-language__simple.gguf";
    const char *const ornate = "Tiny-language__ornate.gguf", *const other = "Tiny-storytelling__debias.gguf";
    refuse_files((const char *const[]){ornate}, 1, "Tiny-language__debias.gguf', or use --vectors");
    refuse_files((const char *const[]){ornate, other}, 2, "lacks the de-bias vector that belongs to it");
    refuse_files((const char *const[]){debias, simple, ornate}, 3, "both sides of the axis 'language'");
    refuse_files((const char *const[]){debias, debias}, 2, "the axis 'language' twice");
    refuse_files((const char *const[]){debias, ornate, ornate}, 3, "the axis 'language' twice");
    /* An axis and its own side as a file. */
    tt_catalogue catalogue = test_catalogue_open(scratch_folder());
    tt_mix mix = {0};
    const char *path = scratch_path(simple);
    assert_true(tt_mix_parse(&mix, "language=0.5", NULL) && tt_mix_add_file(&mix, path, 0.5, NULL));
    tt_blend blend;
    tt_error err = {0};
    assert_false(tt_mix_blend(&blend, &mix, &(tt_mix_options){.catalogue = &catalogue, .target = &test_target}, &err));
    assert_non_null(strstr(err.message, "both sides"));
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

static void test_missing_files(void **state) {
    (void)state;
    const char *path = scratch_subfolder("missing");
    const test_axis axis = {.folder = path, .axis = "language", .classes = {"simple", "ornate"}};
    test_axis_write(&axis);
    char *debias = tt_path_join(path, "Tiny-language__debias.gguf", NULL);
    char *simple = tt_path_join(path, "Tiny-language__simple.gguf", NULL);
    assert_int_equal(unlink(simple), 0);
    tt_catalogue catalogue = test_catalogue_open(path);
    refuse_blend("language=-1", &catalogue, &test_target, "no vector towards 'simple'");
    tt_catalogue_free(&catalogue);
    assert_int_equal(unlink(debias), 0);
    catalogue = test_catalogue_open(path);
    refuse_blend("language=1", &catalogue, &test_target, "no de-bias vector");
    tt_blend blend;
    assert_true(test_blend(&blend, "language=1", &catalogue, &test_target, true, NULL));
    assert_int_equal(blend.part_count, 1);
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    /* A damaged file is named, and the rest can be used. */
    assert_true(tt_file_write(debias, "GGUF", 4, NULL));
    catalogue = test_catalogue_open(path);
    assert_true(test_has_note(&catalogue.notes, "too short to be a GGUF file; it is passed over"));
    assert_int_equal(catalogue.count, 1);
    tt_catalogue_free(&catalogue);
    free(debias);
    free(simple);
}

static void test_absurd_size(void **state) {
    (void)state;
    const char *path = scratch_subfolder("absurd");
    test_axis axis = {.folder = path, .axis = "language", .classes = {"simple", "ornate"}, .size = 1e7F};
    test_axis_write(&axis);
    tt_catalogue catalogue = test_catalogue_open(path);
    refuse_blend("language=0.5", &catalogue, &test_target, "absurd size");
    tt_catalogue_free(&catalogue);
    catalogue = test_catalogue_open(scratch_folder());
    refuse_blend("language=-101", &catalogue, &test_target, "'language' is set to -101, which no model can follow");
    tt_catalogue_free(&catalogue);
    axis.size = 1e38F;
    test_axis_write(&axis);
    catalogue = test_catalogue_open(path);
    tt_blend blend;
    tt_error err = {0};
    assert_false(test_blend(&blend, "language=1e9", &catalogue, &test_target, true, &err)); /* not even forced */
    assert_non_null(strstr(err.message, "too large for any model"));
    tt_catalogue_free(&catalogue);
}

/* ==== Vectors made elsewhere ==== */

static void test_by_file_name(void **state) {
    (void)state;
    const char *path = scratch_subfolder("names");
    const char *const suffixes[] = {"debias", "ornate", "simple"};
    for (int i = 0; i < 3; i++) {
        tt_vector vector;
        const float row[8] = {(float)i};
        assert_true(tt_vector_init(&vector, 4, 8, NULL) && tt_vector_add_row(&vector, 1, row, 1, NULL));
        char *name = tt_format(NULL, "%s/mistral-large:123b-language__%s.gguf", path, suffixes[i]);
        assert_true(tt_vector_write(&vector, name, NULL));
        free(name);
        tt_vector_free(&vector);
    }
    tt_catalogue catalogue = test_catalogue_open(path);
    assert_int_equal(catalogue.count, 1);
    assert_string_equal(catalogue.axes[0].model_name, "mistral-large:123b");
    assert_false(catalogue.axes[0].ordered);
    refuse_blend("language=1", &catalogue, &test_target, "name ornate or simple");
    tt_blend blend = test_must_blend("simple=0.5", &catalogue);
    assert_true(blend.vector.rows[1][0] == 1); /* 0.5 x 2 */
    assert_string_equal(blend.vector.recipe, "simple=0.5");
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    /* With the order known the axis can be named. */
    const tt_class_order order = {"language", {"simple", "ornate"}};
    assert_true(tt_catalogue_open(&catalogue, path, &order, 1, NULL));
    assert_true(catalogue.axes[0].ordered);
    blend = test_must_blend("language=-0.25", &catalogue);
    assert_true(blend.vector.rows[1][0] == 0.5F);
    assert_string_equal(blend.vector.recipe, "language=-0.25");
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_names),           cmocka_unit_test(test_other_model),
        cmocka_unit_test(test_vectors_of_two_models), cmocka_unit_test(test_wrong_company),
        cmocka_unit_test(test_missing_files),         cmocka_unit_test(test_absurd_size),
        cmocka_unit_test(test_by_file_name),
    };
    return cmocka_run_group_tests(tests, test_two_axes, NULL);
}
