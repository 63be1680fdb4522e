/* test_merge.c: a mix merged into one file steers as its separate files do in llama.cpp, which adds them up one after the
 * other in single precision; and the merged file tells what it is. */
#include "apply/blend.h"
#include "model/engine.h"
#include "support/logits.h"
#include "support/scratch.h"
#include "support/tiny_model.h"
#include "support/vector_files.h"

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAYERS = 4, WIDTH = 64 };

static tt_engine *engine;
static const char *model;

static int begin(void **state) {
    (void)state;
    engine = tt_engine_start(&(tt_engine_options){0}, NULL);
    if (!engine) return -1;
    const char *const axes[] = {"language", "storytelling"};
    for (size_t i = 0; i < 2; i++) {
        const test_axis axis = {.axis = axes[i],
                                .classes = {i ? "dry" : "simple", i ? "vivid" : "ornate"},
                                .layers = LAYERS,
                                .width = WIDTH,
                                .seed = i};
        test_axis_write(&axis);
    }
    model = scratch_path("tiny.model");
    return tt_tiny_model_write(model, NULL) ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    tt_engine_stop(engine);
    return 0;
}

/* What llama.cpp makes of the blend's parts: common/common.cpp adds each file's values times its scale, all in F32. The
 * caller frees it. */
static tt_vector added_by_llama_cpp(const tt_blend *blend) {
    tt_vector sum;
    assert_true(tt_vector_init(&sum, LAYERS, WIDTH, NULL));
    const float zero[WIDTH] = {0};
    for (uint32_t K = 1; K < LAYERS; K++) {
        assert_true(tt_vector_add_row(&sum, K, zero, 1, NULL));
        for (size_t p = 0; p < blend->part_count; p++) {
            const float *row = blend->parts[p].vector.rows[K], scale = (float)blend->parts[p].scale;
            assert_non_null(row);
            for (uint32_t i = 0; row && i < WIDTH; i++) sum.rows[K][i] += row[i] * scale;
        }
    }
    return sum;
}

/* Every value within the rounding of a sum of `parts` terms, none of which is larger than 1. */
static void assert_same_rows(const tt_vector *a, const tt_vector *b, size_t parts) {
    assert_true(a->rows && b->rows);
    for (uint32_t K = 1; a->rows && b->rows && K < LAYERS; K++) {
        const float *x = a->rows[K], *y = b->rows[K];
        assert_true(x && y);
        for (uint32_t i = 0; x && y && i < WIDTH; i++) assert_true(fabsf(x[i] - y[i]) <= (float)parts * FLT_EPSILON);
    }
}

static void test_same_as_separate_files(void **state) {
    (void)state;
    tt_catalogue catalogue = {0};
    tt_mix mix = {0};
    tt_blend blend = {0};
    tt_vector merged = {0};
    const char *path = scratch_path("mix.gguf");
    assert_true(tt_catalogue_open(&catalogue, scratch_folder(), NULL, 0, NULL));
    assert_true(tt_mix_parse(&mix, "vivid=0.3,language=-0.7", NULL));
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){.catalogue = &catalogue}, NULL));
    assert_true(tt_vector_write(&blend.vector, path, NULL) && tt_vector_read(&merged, path, NULL));
    assert_int_equal(merged.role, TT_ROLE_MIX);
    assert_string_equal(merged.recipe, "language=-0.7,storytelling=0.3");
    assert_string_equal(merged.architecture, "llama");
    assert_string_equal(merged.fingerprint, "f00d");

    assert_int_equal(blend.part_count, 4);
    tt_vector separate = added_by_llama_cpp(&blend);
    assert_same_rows(&merged, &separate, blend.part_count);
    test_logits plain = test_logits_compute(model, 100, true, NULL);
    test_logits one = test_logits_compute(model, 100, true, &merged);
    test_logits several = test_logits_compute(model, 100, true, &separate);
    assert_true(test_logits_difference(&plain, &one) > 0.1);
    assert_true(test_logits_difference(&one, &several) < 1e-4);
    free(plain.values);
    free(one.values);
    free(several.values);
    tt_vector_free(&separate);
    tt_vector_free(&merged);
    tt_blend_free(&blend);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
    unlink(path);
}

/* A merged file stands for its de-bias vectors too: it is applied as it is, without a warning. */
static void test_merged_file_in_a_mix(void **state) {
    (void)state;
    tt_catalogue catalogue = {0};
    tt_mix mix = {0}, again = {0};
    tt_blend blend = {0}, whole = {0};
    const char *path = scratch_path("half.gguf");
    assert_true(tt_catalogue_open(&catalogue, scratch_folder(), NULL, 0, NULL) && tt_mix_parse(&mix, "language=0.5", NULL));
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){.catalogue = &catalogue}, NULL));
    assert_true(tt_vector_write(&blend.vector, path, NULL) && tt_mix_add_file(&again, path, 1, NULL));
    assert_true(tt_mix_blend(&whole, &again, &(tt_mix_options){0}, NULL));
    assert_int_equal(whole.warnings.count, 0);
    for (uint32_t K = 1; K < LAYERS; K++)
        assert_memory_equal(whole.vector.rows[K], blend.vector.rows[K], WIDTH * sizeof(float));
    tt_blend_free(&blend);
    tt_blend_free(&whole);
    tt_mix_free(&mix);
    tt_mix_free(&again);
    tt_catalogue_free(&catalogue);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_as_separate_files),
                                       cmocka_unit_test(test_merged_file_in_a_mix)};
    return cmocka_run_group_tests(tests, begin, end);
}
