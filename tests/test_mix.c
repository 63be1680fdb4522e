/* test_mix.c: mixes: what may be asked for, what it comes to, and every guard's sentence. */
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "support/vector_files.h"
#include "vectors/compare.h"
#include "vectors/mix.h"

#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/trimtab-mix-XXXXXX";

static const test_axis language = {.folder = folder, .axis = "language", .classes = {"simple", "ornate"}, .seed = 1};
static const test_axis story = {.folder = folder, .axis = "storytelling", .classes = {"explicit", "descriptive"}, .seed = 2};

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    test_axis_write(&language);
    test_axis_write(&story);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT(cert-env33-c): the name is ours */
}

static char *path_of(const char *name) {
    char *path = tt_path_join(folder, name, NULL);
    assert_non_null(path);
    return path;
}

/* A folder of its own below the scratch one. The caller frees. */
static char *sub_folder(const char *name) {
    char *path = path_of(name);
    assert_true(tt_make_folder(path, NULL));
    return path;
}

static const tt_vector_target target = {.architecture = "llama", .fingerprint = "f00d", .width = 8, .layer_count = 4};

static tt_catalogue catalogue_of(const char *path) {
    tt_catalogue catalogue;
    tt_error err = {0};
    if (!tt_catalogue_open(&catalogue, path, NULL, 0, &err)) fail_msg("%s", err.message);
    return catalogue;
}

/* Blends `text` ("NAME=VALUE,...") from `catalogue` for `for_model`. */
static bool blend_text(tt_blend *blend, const char *text, const tt_catalogue *catalogue, const tt_vector_target *for_model,
                       bool force, tt_error *err) {
    tt_mix mix = {0};
    const tt_mix_options options = {.catalogue = catalogue, .target = for_model, .force = force};
    *blend = (tt_blend){0};
    const bool ok = tt_mix_parse(&mix, text, err) && tt_mix_blend(blend, &mix, &options, err);
    tt_mix_free(&mix);
    return ok;
}

static tt_blend must_blend(const char *text, const tt_catalogue *catalogue) {
    tt_blend blend;
    tt_error err = {0};
    if (!blend_text(&blend, text, catalogue, &target, false, &err)) fail_msg("'%s': %s", text, err.message);
    return blend;
}

static void refuse_blend(const char *text, const tt_catalogue *catalogue, const tt_vector_target *for_model,
                         const char *expected) {
    tt_blend blend;
    tt_error err = {0};
    assert_false(blend_text(&blend, text, catalogue, for_model, false, &err));
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
    assert_null(strchr(err.message, '\n'));
}

static bool has_note(const tt_notes *notes, const char *part) {
    for (size_t i = 0; i < notes->count; i++) {
        if (strstr(notes->items[i], part)) return true;
    }
    return false;
}

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

static void test_number_text(void **state) {
    (void)state;
    const struct {
        double value;
        const char *text;
    } cases[] = {{0.5, "0.5"}, {-2, "-2"}, {1, "1"}, {0, "0"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TT_NUMBER_TEXT];
        assert_string_equal(tt_number_text(cases[i].value, text), cases[i].text);
        double back;
        assert_true(tt_number_parse(text, &back) && back == cases[i].value);
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
    tt_catalogue catalogue = catalogue_of(folder);
    const tt_mix_options options = {.catalogue = &catalogue, .target = &target};
    tt_blend blend;
    assert_true(tt_mix_set_layers(&mix, 2, 2, NULL));
    assert_true(tt_mix_blend(&blend, &mix, &options, NULL));
    assert_true(!blend.vector.rows[1] && blend.vector.rows[2] && !blend.vector.rows[3]);
    assert_string_equal(blend.vector.recipe, "language=1,layers 2-2");
    tt_blend_free(&blend);
    assert_true(tt_mix_set_layers(&mix, 9, 0, NULL));
    assert_true(tt_mix_blend(&blend, &mix, &options, NULL));
    assert_true(has_note(&blend.warnings, "steers nothing"));
    tt_blend_free(&blend);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

/* ==== Adding up ==== */

/* Row K of one of the axis' files. The caller frees the vector. */
static tt_vector file_of(const char *suffix) {
    char *path = tt_vector_path(folder, "Tiny", "language", suffix, NULL);
    tt_vector vector;
    assert_true(tt_vector_read(&vector, path, NULL));
    free(path);
    return vector;
}

static void test_sum(void **state) {
    (void)state;
    tt_catalogue catalogue = catalogue_of(folder);
    tt_blend blend = must_blend("language=-0.7", &catalogue);
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
    blend = must_blend("language=0", &catalogue); /* the de-bias vector alone */
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
    tt_catalogue catalogue = catalogue_of(folder);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        tt_blend a = must_blend(same[i][0], &catalogue), b = must_blend(same[i][1], &catalogue);
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
    char *debias = path_of("Tiny-language__debias.gguf"), *simple = path_of("Tiny-language__simple.gguf");
    char *ornate = path_of("Tiny-language__ornate.gguf");
    tt_blend blends[2];
    for (int i = 0; i < 2; i++) {
        tt_mix mix = {0};
        assert_true(tt_mix_add_file(&mix, i ? simple : ornate, i ? 0.5 : -0.5, NULL));
        assert_true(tt_mix_add_file(&mix, debias, 1, NULL));
        assert_true(tt_mix_blend(&blends[i], &mix, &(tt_mix_options){.target = &target}, NULL));
        tt_mix_free(&mix);
    }
    assert_same_rows(&blends[0].vector, &blends[1].vector);
    assert_string_equal(blends[0].vector.recipe, "Tiny-language__debias.gguf:1,Tiny-language__ornate.gguf:-0.5");
    for (int i = 0; i < 2; i++) tt_blend_free(&blends[i]);
    free(debias);
    free(simple);
    free(ornate);
}

/* A mix written to a file steers as the mix does. */
static void test_merged_file(void **state) {
    (void)state;
    tt_catalogue catalogue = catalogue_of(folder);
    tt_blend blend = must_blend("language=0.3,storytelling=0.2", &catalogue), again;
    char *path = sub_folder("merged");
    char *file = tt_path_join(path, "mix.gguf", NULL);
    assert_true(tt_vector_write(&blend.vector, file, NULL));
    tt_mix mix = {0};
    assert_true(tt_mix_add_file(&mix, file, 1, NULL));
    assert_true(tt_mix_blend(&again, &mix, &(tt_mix_options){.target = &target}, NULL));
    assert_same_rows(&again.vector, &blend.vector);
    assert_int_equal(again.warnings.count, 0);
    tt_mix_free(&mix);
    tt_blend_free(&blend);
    tt_blend_free(&again);
    free(file);
    free(path);
    tt_catalogue_free(&catalogue);
}

static void test_empty_mix(void **state) {
    (void)state;
    tt_mix mix = {0};
    tt_blend blend;
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){.target = &target}, NULL));
    assert_true(blend.vector.layer_count == 4 && blend.vector.width == 8 && !blend.vector.rows[1] &&
                isinf(blend.safe_scale));
    assert_int_equal(blend.warnings.count, 0);
    tt_blend_free(&blend);
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){0}, NULL));
    assert_true(blend.vector.layer_count == 0 && blend.vector.width == 0);
    tt_blend_free(&blend);
}

static void test_set_axis(void **state) {
    (void)state;
    tt_catalogue catalogue = catalogue_of(folder);
    tt_mix mix = {0};
    tt_error err = {0};
    assert_true(tt_mix_parse(&mix, "language=0.5,storytelling=0.1", NULL));
    assert_true(tt_mix_set_axis(&mix, &catalogue, &target, "simple", 0.7, &err));
    char *text = tt_mix_text(&mix, &catalogue, &target, &err);
    assert_string_equal(text, "language=-0.7,storytelling=0.1");
    free(text);
    assert_false(tt_mix_set_axis(&mix, &catalogue, &target, "langauge", 1, &err));
    assert_non_null(strstr(err.message, "did you mean 'language'"));
    assert_false(tt_mix_set_axis(&mix, &catalogue, &target, "language", NAN, &err));
    assert_true(tt_mix_remove_axis(&mix, &catalogue, &target, "ornate", &err));
    assert_true(tt_mix_remove_axis(&mix, &catalogue, &target, "ornate", &err));
    text = tt_mix_text(&mix, &catalogue, &target, &err);
    assert_string_equal(text, "storytelling=0.1");
    free(text);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

/* ==== Guards ==== */

static void test_wrong_names(void **state) {
    (void)state;
    tt_catalogue catalogue = catalogue_of(folder);
    refuse_blend("langauge=1", &catalogue, &target, "did you mean 'language'?");
    refuse_blend("weather=1", &catalogue, &target, "it has some for 'language' and others");
    refuse_blend("language=0.5,language=0.5", &catalogue, &target, "has 'language' twice");
    refuse_blend("simple=0.5,ornate=0.5", &catalogue, &target, "both set the axis 'language'");
    refuse_blend("simple=0.5,language=0.5", &catalogue, &target, "both set the axis 'language'");
    refuse_blend("language=1", NULL, &target, "--vectors DIR");
    tt_catalogue_free(&catalogue);
    char *path = sub_folder("empty");
    catalogue = catalogue_of(path);
    refuse_blend("language=1", &catalogue, &target, "trimtab train");
    tt_catalogue_free(&catalogue);
    free(path);
    tt_error err = {0};
    assert_false(tt_catalogue_open(&catalogue, "/nowhere/at/all", NULL, 0, &err));
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

static void test_other_model(void **state) {
    (void)state;
    tt_catalogue catalogue = catalogue_of(folder);
    tt_vector_target other = target;
    other.width = 16;
    refuse_blend("language=1", &catalogue, &other, "hidden size is 8, and that of the model is 16");
    other = target;
    other.layer_count = 3;
    refuse_blend("language=1", &catalogue, &other, "steers layer 3, and the last one of the model is 2");
    other.layer_count = 5;
    refuse_blend("language=1", &catalogue, &other, "one of 4 layers, and the model has 5 (--force");
    tt_blend blend;
    assert_true(blend_text(&blend, "language=1", &catalogue, &other, true, NULL));
    assert_true(has_note(&blend.warnings, "one of 4 layers"));
    assert_int_equal(blend.vector.layer_count, 5);
    tt_blend_free(&blend);
    other = target;
    other.architecture = "qwen2";
    refuse_blend("language=1", &catalogue, &other, "its architecture is 'llama', and that of the model is 'qwen2'");
    other = target;
    other.fingerprint = "beef";
    refuse_blend("language=1", &catalogue, &other, "the fingerprint of the model is another one");
    assert_true(blend_text(&blend, "language=1", &catalogue, &other, true, NULL));
    tt_blend_free(&blend);
    other = (tt_vector_target){.architecture = "", .fingerprint = "", .width = 8}; /* little is known of it */
    assert_true(blend_text(&blend, "language=1", &catalogue, &other, false, NULL));
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
}

/* Without a model the vectors are held against each other. */
static void test_vectors_of_two_models(void **state) {
    (void)state;
    char *path = sub_folder("two");
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
    tt_catalogue catalogue = catalogue_of(path);
    refuse_blend("language=1,mood=1", &catalogue, NULL, "Tiny-language__debias.gguf' is 8");
    tt_blend blend;
    assert_true(blend_text(&blend, "language=1", &catalogue, NULL, false, NULL));
    assert_int_equal(blend.vector.layer_count, 4);
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    /* The same axis of two models: the model decides which is meant. */
    test_axis_write(&third);
    catalogue = catalogue_of(path);
    refuse_blend("language=1", &catalogue, NULL, "of several models, 'Other' and 'Tiny'");
    const tt_vector_target wide = {.architecture = "llama", .fingerprint = "beef", .width = 16, .layer_count = 4};
    assert_true(blend_text(&blend, "language=1,mood=1", &catalogue, &wide, false, NULL));
    tt_blend_free(&blend);
    assert_true(blend_text(&blend, "language=1", &catalogue, &target, false, NULL));
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    free(path);
}

static void refuse_files(const char *const *names, size_t count, const char *expected) {
    tt_mix mix = {0};
    for (size_t i = 0; i < count; i++) {
        char *path = path_of(names[i]);
        assert_true(tt_mix_add_file(&mix, path, 1, NULL));
        free(path);
    }
    tt_blend blend;
    tt_error err = {0};
    tt_mix_options options = {.target = &target};
    assert_false(tt_mix_blend(&blend, &mix, &options, &err));
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
    options.force = true;
    if (!tt_mix_blend(&blend, &mix, &options, &err)) fail_msg("%s", err.message);
    assert_true(has_note(&blend.warnings, expected));
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
    tt_catalogue catalogue = catalogue_of(folder);
    tt_mix mix = {0};
    char *path = path_of(simple);
    assert_true(tt_mix_parse(&mix, "language=0.5", NULL) && tt_mix_add_file(&mix, path, 0.5, NULL));
    tt_blend blend;
    tt_error err = {0};
    assert_false(tt_mix_blend(&blend, &mix, &(tt_mix_options){.catalogue = &catalogue, .target = &target}, &err));
    assert_non_null(strstr(err.message, "both sides"));
    tt_mix_free(&mix);
    free(path);
    tt_catalogue_free(&catalogue);
}

static void test_missing_files(void **state) {
    (void)state;
    char *path = sub_folder("missing");
    const test_axis axis = {.folder = path, .axis = "language", .classes = {"simple", "ornate"}};
    test_axis_write(&axis);
    char *debias = tt_path_join(path, "Tiny-language__debias.gguf", NULL);
    char *simple = tt_path_join(path, "Tiny-language__simple.gguf", NULL);
    assert_int_equal(unlink(simple), 0);
    tt_catalogue catalogue = catalogue_of(path);
    refuse_blend("language=-1", &catalogue, &target, "no vector towards 'simple'");
    tt_catalogue_free(&catalogue);
    assert_int_equal(unlink(debias), 0);
    catalogue = catalogue_of(path);
    refuse_blend("language=1", &catalogue, &target, "no de-bias vector");
    tt_blend blend;
    assert_true(blend_text(&blend, "language=1", &catalogue, &target, true, NULL));
    assert_int_equal(blend.part_count, 1);
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    /* A damaged file is named, and the rest can be used. */
    assert_true(tt_file_write(debias, "GGUF", 4, NULL));
    catalogue = catalogue_of(path);
    assert_true(has_note(&catalogue.notes, "too short to be a GGUF file; it is passed over"));
    assert_int_equal(catalogue.count, 1);
    tt_catalogue_free(&catalogue);
    free(debias);
    free(simple);
    free(path);
}

static void test_absurd_size(void **state) {
    (void)state;
    char *path = sub_folder("absurd");
    test_axis axis = {.folder = path, .axis = "language", .classes = {"simple", "ornate"}, .size = 1e7F};
    test_axis_write(&axis);
    tt_catalogue catalogue = catalogue_of(path);
    refuse_blend("language=0.5", &catalogue, &target, "absurd size");
    tt_catalogue_free(&catalogue);
    catalogue = catalogue_of(folder);
    refuse_blend("language=-101", &catalogue, &target, "'language' is set to -101, which no model can follow");
    tt_catalogue_free(&catalogue);
    axis.size = 1e38F;
    test_axis_write(&axis);
    catalogue = catalogue_of(path);
    tt_blend blend;
    tt_error err = {0};
    assert_false(blend_text(&blend, "language=1e9", &catalogue, &target, true, &err)); /* not even forced */
    assert_non_null(strstr(err.message, "too large for any model"));
    tt_catalogue_free(&catalogue);
    free(path);
}

/* ==== Vectors made elsewhere ==== */

static void test_by_file_name(void **state) {
    (void)state;
    char *path = sub_folder("names");
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
    tt_catalogue catalogue = catalogue_of(path);
    assert_int_equal(catalogue.count, 1);
    assert_string_equal(catalogue.axes[0].model_name, "mistral-large:123b");
    assert_false(catalogue.axes[0].ordered);
    refuse_blend("language=1", &catalogue, &target, "name ornate or simple");
    tt_blend blend = must_blend("simple=0.5", &catalogue);
    assert_true(blend.vector.rows[1][0] == 1); /* 0.5 x 2 */
    assert_string_equal(blend.vector.recipe, "simple=0.5");
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    /* With the order known the axis can be named. */
    const tt_class_order order = {"language", {"simple", "ornate"}};
    assert_true(tt_catalogue_open(&catalogue, path, &order, 1, NULL));
    assert_true(catalogue.axes[0].ordered);
    blend = must_blend("language=-0.25", &catalogue);
    assert_true(blend.vector.rows[1][0] == 0.5F);
    assert_string_equal(blend.vector.recipe, "language=-0.25");
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    free(path);
}

/* ==== Safe scale ==== */

static void test_safe_scale(void **state) {
    (void)state;
    const double same[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, none[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, ones[3] = {1, 1, 1};
    assert_true(fabs(tt_safe_scale(same, ones, 3) - 1.0 / 3) < 1e-12);
    assert_true(fabs(tt_safe_scale(none, ones, 3) - sqrt(1.0 / 3)) < 1e-12);
    const double halves[3] = {0.5, 0.5, 0.5}, uneven[3] = {-0.5, 1, 0};
    assert_true(fabs(tt_safe_scale(none, halves, 3) - sqrt(1.0 / 3)) < 1e-12); /* proportions count, not sizes */
    assert_true(fabs(tt_safe_scale(none, uneven, 3) - 1 / sqrt(1.25)) < 1e-12);
    assert_true(fabs(tt_safe_scale(same, uneven, 3) - 2) < 1e-12); /* they work against each other */
    assert_true(isinf(tt_safe_scale(same, ones, 0)));
}

static void test_strength(void **state) {
    (void)state;
    char *path = sub_folder("strength");
    const float right[8] = {1}, up[8] = {0, 1};
    const test_axis a = {.folder = path, .axis = "a", .classes = {"a0", "a1"}, .row = right};
    const test_axis b = {.folder = path, .axis = "b", .classes = {"b0", "b1"}, .row = up};
    const test_axis c = {.folder = path, .axis = "c", .classes = {"c0", "c1"}, .row = right};
    test_axis_write(&a);
    test_axis_write(&b);
    test_axis_write(&c);
    tt_catalogue catalogue = catalogue_of(path);
    const struct {
        const char *mix;
        double safe;
        bool warned;
    } cases[] = {{"a=0.7,b=0.7", sqrt(0.5), false},
                 {"a=0.8,b=0.8", sqrt(0.5), true},
                 {"a=0.5,c=0.5", 0.5, false},
                 {"a=0.6,c=0.6", 0.5, true},
                 {"a=1,b=0", 1, false},
                 {"a=0.8,b=-0.8", sqrt(0.5), true},
                 {"a=1,c=-0.5", 2, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_blend blend = must_blend(cases[i].mix, &catalogue);
        if (fabs(blend.safe_scale - cases[i].safe) > 1e-6) fail_msg("%s: %g", cases[i].mix, blend.safe_scale);
        assert_int_equal(has_note(&blend.warnings, "stronger than its safe scale"), cases[i].warned);
        tt_blend_free(&blend);
    }
    tt_blend blend = must_blend("a=1,c=1", &catalogue);
    assert_true(has_note(&blend.warnings, "no value should be above 0.50, and the largest is 1.00; multiply all by 0.50"));
    tt_blend_free(&blend);
    blend = must_blend("a=1.5", &catalogue);
    assert_true(has_note(&blend.warnings, "'a' is set to 1.5"));
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
    free(path);
}

/* What `trimtab eval --save` found is the limit, in place of 1. */
static void test_recommended(void **state) {
    (void)state;
    char *path = sub_folder("recommended");
    const float right[8] = {1};
    const test_axis a = {.folder = path, .axis = "a", .classes = {"a0", "a1"}, .row = right};
    test_axis_write(&a);
    tt_catalogue before = catalogue_of(path);
    for (int file = 0; file < TT_FILES; file++) {
        tt_vector vector;
        assert_true(tt_vector_read(&vector, before.axes[0].paths[file], NULL));
        vector.recommended[0] = 0.7F; /* not a decimal fraction: a little less than 0.7 */
        vector.recommended[1] = 1.5F;
        assert_true(tt_vector_write(&vector, before.axes[0].paths[file], NULL));
        tt_vector_free(&vector);
    }
    tt_catalogue catalogue = catalogue_of(path);
    const struct {
        const char *mix, *warning;
    } cases[] = {{"a=1.5", NULL},
                 {"a=1.6", "'a' is set to 1.6; its evaluation recommends 1.5 at most"},
                 {"a0=0.7", NULL},
                 {"a=-0.8", "'a' is set to -0.8; its evaluation recommends 0.7 at most"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_blend blend = must_blend(cases[i].mix, &catalogue);
        if (cases[i].warning ? !has_note(&blend.warnings, cases[i].warning) : blend.warnings.count != 0)
            fail_msg("%s: %s", cases[i].mix, blend.warnings.count ? blend.warnings.items[0] : "no warning");
        tt_blend_free(&blend);
    }
    tt_catalogue_free(&before);
    tt_catalogue_free(&catalogue);
    free(path);
}

static void test_cosine(void **state) {
    (void)state;
    tt_vector a, b;
    assert_true(tt_vector_init(&a, 3, 2, NULL) && tt_vector_init(&b, 4, 2, NULL));
    const float right[2] = {2, 0}, slope[2] = {3, 3};
    assert_true(tt_vector_add_row(&a, 1, right, 1, NULL) && tt_vector_add_row(&b, 1, slope, 1, NULL));
    assert_true(tt_vector_add_row(&b, 3, right, 1, NULL));
    assert_true(fabs(tt_vector_cosine(&a, &b, 1) - sqrt(0.5)) < 1e-12);
    assert_true(tt_vector_cosine(&a, &b, 2) == 0 && tt_vector_cosine(&a, &b, 3) == 0);
    assert_true(fabs(tt_vector_cosine(&a, &b, 0) - 6 / (2 * sqrt(22))) < 1e-12);
    assert_true(fabs(tt_vector_cosine(&b, &b, 0) - 1) < 1e-12);
    tt_vector_free(&a);
    tt_vector_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recommended),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_in_another_locale),
        cmocka_unit_test(test_number_text),
        cmocka_unit_test(test_parse_files),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_same_mixes),
        cmocka_unit_test(test_opposite_files),
        cmocka_unit_test(test_merged_file),
        cmocka_unit_test(test_empty_mix),
        cmocka_unit_test(test_set_axis),
        cmocka_unit_test(test_wrong_names),
        cmocka_unit_test(test_other_model),
        cmocka_unit_test(test_vectors_of_two_models),
        cmocka_unit_test(test_wrong_company),
        cmocka_unit_test(test_missing_files),
        cmocka_unit_test(test_absurd_size),
        cmocka_unit_test(test_by_file_name),
        cmocka_unit_test(test_safe_scale),
        cmocka_unit_test(test_strength),
        cmocka_unit_test(test_cosine),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
