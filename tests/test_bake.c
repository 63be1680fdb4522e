/* test_bake.c: a baked model behaves as the model steered by the mix, and is otherwise the same file. */
#include "apply/blend.h"
#include "base/file.h"
#include "model/engine.h"
#include "support/logits.h"
#include "support/scratch.h"
#include "support/tiny_model.h"
#include "support/vector_files.h"
#include "vectors/bake.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tt_engine *engine;

static int begin(void **state) {
    (void)state;
    engine = tt_engine_start(&(tt_engine_options){0}, NULL);
    return engine ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    tt_engine_stop(engine);
    return 0;
}

/* A mix of random directions, whose values are at most `size`. The caller frees it. */
static tt_vector random_mix(uint32_t layers, uint32_t width, float size) {
    const test_axis axis = {
        .axis = "language", .classes = {"simple", "ornate"}, .layers = layers, .width = width, .size = 2 * size, .seed = 3};
    test_axis_write(&axis);
    tt_catalogue catalogue;
    tt_mix mix = {0};
    tt_blend blend;
    assert_true(tt_catalogue_open(&catalogue, scratch_folder(), NULL, 0, NULL) && tt_mix_parse(&mix, "language=0.5", NULL));
    assert_true(tt_mix_blend(&blend, &mix, &(tt_mix_options){.catalogue = &catalogue}, NULL));
    const tt_vector vector = blend.vector;
    blend.vector = (tt_vector){0};
    tt_blend_free(&blend);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
    return vector;
}

/* The same for a model file. */
static tt_vector mix_for(const char *model, float size) {
    tt_model_file file;
    assert_true(tt_model_file_open(&file, model, NULL));
    const tt_vector vector = random_mix(file.layer_count, file.width, size);
    tt_model_file_close(&file);
    return vector;
}

static const char *tiny_model(const char *architecture, const char *name) {
    const char *path = scratch_path(name);
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    options.architecture = architecture;
    assert_true(tt_tiny_model_write(path, &options));
    return path;
}

static bool bake(const char *model, const tt_vector *vector, const char *output, tt_error *err) {
    tt_model_file file;
    tt_baked baked = {0};
    if (!tt_model_file_open(&file, model, err)) return false;
    const bool ok = tt_bake(&file, vector, output, &(tt_bake_options){0}, &baked, err);
    assert_int_equal(baked.path_count, ok ? 1 : 0);
    tt_baked_free(&baked);
    tt_model_file_close(&file);
    return ok;
}

static void must_bake(const char *model, const tt_vector *vector, const char *output) {
    tt_error err = {0};
    if (!bake(model, vector, output, &err)) fail_msg("%s", err.message);
}

static void refuse(const char *model, const tt_vector *vector, const char *output, const char *expected) {
    tt_error err = {0};
    assert_false(bake(model, vector, output, &err));
    if (!strstr(err.message, expected)) fail_msg("'%s' does not say '%s'", err.message, expected);
}

/* ==== Does it steer the same? ==== */

/* The baked model against the steered one; with exact arithmetic they agree to rounding. */
static void assert_steers_alike(const char *name, const char *model, const char *output, const tt_vector *vector) {
    test_logits plain = test_logits_compute(model, 100, true, NULL);
    test_logits steered = test_logits_compute(model, 100, true, vector);
    test_logits baked = test_logits_compute(output, 100, true, NULL);
    const double effect = test_logits_difference(&plain, &steered), error = test_logits_difference(&steered, &baked);
    print_message("%s: steering moves logits by %.2g, the baked model differs by %.2g\n", name, effect, error);
    assert_true(effect > 0.1);
    assert_true(error < 1e-4);
    free(plain.values);
    free(steered.values);
    free(baked.values);
}

/* Bakes one tiny model, whose architecture's place in bake.c's table is `*place`. Where it cannot be baked it must be
 * refused in words that help: because the table lacks its architecture, or because it has experts. */
static bool bake_tiny(const char *name, size_t *place) {
    const char *model = tiny_model(name, "tiny.gguf"), *output = scratch_path("tiny-baked.gguf");
    tt_vector vector = mix_for(model, 0.5F);
    tt_model_file file;
    assert_true(tt_model_file_open(&file, model, NULL));
    const char *entry;
    for (*place = 0; (entry = tt_bake_architecture(*place)) && strcmp(entry, file.architecture) != 0; ++*place) {
    }
    tt_model_file_close(&file);
    tt_error err = {0};
    const bool baked = bake(model, &vector, output, &err);
    if (baked) {
        assert_non_null(entry);
        assert_steers_alike(name, model, output, &vector);
    } else {
        assert_int_equal(access(output, F_OK), -1);
        if (!strstr(err.message, "use trimtab merge")) fail_msg("%s: %s", name, err.message);
        if (entry && !strstr(err.message, "a mixture of experts")) fail_msg("%s: %s", name, err.message);
    }
    unlink(output);
    tt_vector_free(&vector);
    return baked;
}

/* Baking is offered for an architecture only where it is shown to steer. */
static void test_tiny_models(void **state) {
    (void)state;
    size_t count, table = 0, place;
    const char *const *names = tt_tiny_architectures(&count);
    bool shown[64] = {0};
    while (tt_bake_architecture(table)) table++;
    assert_true(table < sizeof shown / sizeof *shown);
    for (size_t i = 0; i < count; i++)
        if (bake_tiny(names[i], &place) && place < table) shown[place] = true;
    for (size_t i = 0; i < table; i++)
        if (!shown[i]) fail_msg("no tiny model shows that '%s' can be baked", tt_bake_architecture(i));
}

/* Quantised weights: activations are quantised too, and flip from one step to the next by a difference in the last bit. So
 * the same model computed in another order (without flash attention) is the measure: baking must not differ by more. */
static void test_quantised_model(void **state) {
    (void)state;
    const char *model = getenv("TRIMTAB_MODEL");
    if (!model) {
        print_message("skipped: TRIMTAB_MODEL names no model\n");
        skip();
    }
    const char *output = scratch_path("quantised-baked.gguf");
    tt_vector vector = mix_for(model, 0.5F);
    must_bake(model, &vector, output);
    test_logits plain = test_logits_compute(model, 200, false, NULL);
    test_logits steered = test_logits_compute(model, 200, false, &vector);
    test_logits other = test_logits_compute(model, 200, true, &vector);
    test_logits baked = test_logits_compute(output, 200, false, NULL);
    const double effect = test_logits_divergence(&plain, &steered), noise = test_logits_divergence(&steered, &other);
    const double divergence = test_logits_divergence(&steered, &baked);
    print_message("steering moves the next token by %.3g nats, another order of sums by %.3g, baking by %.3g\n", effect,
                  noise, divergence);
    assert_true(effect > 0.05);
    assert_true(divergence < 1.5 * noise && divergence < effect / 20);
    free(plain.values);
    free(steered.values);
    free(other.values);
    free(baked.values);
    tt_vector_free(&vector);
    unlink(output);
}

/* ==== Is it the same file otherwise? ==== */

/* Reads tensor `index`. The caller frees. */
static char *data_of(const tt_gguf *file, int64_t index, size_t *size) {
    *size = tt_gguf_tensor_size(file, index);
    char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_true(tt_pread_all(file->fd, bytes, *size, (off_t)tt_gguf_tensor_offset(file, index), file->path, NULL));
    return bytes;
}

static void assert_same_key(const struct gguf_context *a, int64_t i, const struct gguf_context *b, int64_t j) {
    const enum gguf_type type = gguf_get_kv_type(a, i);
    assert_int_equal(gguf_get_kv_type(b, j), type);
    if (type == GGUF_TYPE_STRING) {
        assert_string_equal(gguf_get_val_str(a, i), gguf_get_val_str(b, j));
    } else if (type != GGUF_TYPE_ARRAY) {
        assert_memory_equal(gguf_get_val_data(a, i), gguf_get_val_data(b, j), type == GGUF_TYPE_BOOL ? 1 : 4);
    } else {
        assert_int_equal(gguf_get_arr_n(a, i), gguf_get_arr_n(b, j));
        assert_int_equal(gguf_get_arr_type(a, i), gguf_get_arr_type(b, j));
        const bool strings = gguf_get_arr_type(a, i) == GGUF_TYPE_STRING;
        for (size_t n = 0; strings && n < gguf_get_arr_n(a, i); n++)
            assert_string_equal(gguf_get_arr_str(a, i, n), gguf_get_arr_str(b, j, n));
        if (!strings) assert_memory_equal(gguf_get_arr_data(a, i), gguf_get_arr_data(b, j), gguf_get_arr_n(a, i) * 4);
    }
}

static void assert_same_tensor(const tt_gguf *a, int64_t i, const tt_gguf *b, int64_t j) {
    size_t sizes[2];
    char *bytes[2] = {data_of(a, i, &sizes[0]), data_of(b, j, &sizes[1])};
    assert_string_equal(gguf_get_tensor_name(a->meta, i), gguf_get_tensor_name(b->meta, j));
    assert_int_equal(gguf_get_tensor_type(a->meta, i), gguf_get_tensor_type(b->meta, j));
    assert_memory_equal(gguf_get_tensor_ne(a->meta, i), gguf_get_tensor_ne(b->meta, j), 4 * sizeof(int64_t));
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void test_copy(void **state) {
    (void)state;
    const char *model = tiny_model("llama", "copy.gguf"), *output = scratch_path("copy-baked.gguf");
    tt_vector vector = mix_for(model, 0.5F);
    free(vector.rows[2]); /* a layer that stays as it is */
    vector.rows[2] = NULL;
    must_bake(model, &vector, output);
    tt_gguf a = {.fd = -1}, b = {.fd = -1};
    assert_true(tt_gguf_open(&a, model, NULL) && tt_gguf_open(&b, output, NULL));
    const int64_t keys = gguf_get_n_kv(a.meta), tensors = gguf_get_n_tensors(a.meta);
    assert_int_equal(gguf_get_n_kv(b.meta), keys + 1);
    for (int64_t i = 0; i < keys; i++) {
        assert_string_equal(gguf_get_key(a.meta, i), gguf_get_key(b.meta, i));
        assert_same_key(a.meta, i, b.meta, i);
    }
    const char *recipe = "";
    assert_true(tt_gguf_string(&b, "trimtab.recipe", &recipe, NULL));
    assert_string_equal(recipe, "language=0.5");
    assert_int_equal(gguf_get_n_tensors(b.meta), tensors + 2); /* L = 4: rows 1 and 3 */
    for (int64_t i = 0; i < tensors; i++) assert_same_tensor(&a, i, &b, i);
    for (int64_t i = 0; i < 2; i++) {
        size_t size;
        char *bytes = data_of(&b, tensors + i, &size);
        assert_string_equal(gguf_get_tensor_name(b.meta, tensors + i), i ? "blk.3.ffn_down.bias" : "blk.1.ffn_down.bias");
        assert_memory_equal(bytes, vector.rows[i ? 3 : 1], size);
        free(bytes);
    }
    tt_gguf_close(&a);
    tt_gguf_close(&b);
    tt_vector_free(&vector);
}

/* A second mix goes on top of the first. */
static void test_existing_bias(void **state) {
    (void)state;
    const char *model = tiny_model("llama", "once.gguf"), *once = scratch_path("once-baked.gguf"),
               *twice = scratch_path("twice-baked.gguf");
    tt_vector vector = mix_for(model, 0.5F);
    must_bake(model, &vector, once);
    must_bake(once, &vector, twice);
    tt_gguf a = {.fd = -1}, b = {.fd = -1};
    assert_true(tt_gguf_open(&a, once, NULL) && tt_gguf_open(&b, twice, NULL));
    assert_int_equal(gguf_get_n_tensors(a.meta), gguf_get_n_tensors(b.meta));
    for (int64_t i = 0; i < gguf_get_n_tensors(a.meta); i++) {
        const bool bias = strstr(gguf_get_tensor_name(a.meta, i), "ffn_down.bias") != NULL;
        if (!bias) {
            assert_same_tensor(&a, i, &b, i);
            continue;
        }
        size_t size;
        float *x = (float *)data_of(&a, i, &size), *y = (float *)data_of(&b, i, &size);
        for (size_t n = 0; n < size / sizeof *x; n++) assert_true(y[n] == 2 * x[n]);
        free(x);
        free(y);
    }
    const char *recipe = "";
    assert_true(tt_gguf_string(&b, "trimtab.recipe", &recipe, NULL));
    assert_string_equal(recipe, "language=0.5 + language=0.5");
    tt_gguf_close(&a);
    tt_gguf_close(&b);
    tt_vector_free(&vector);
}

/* ==== Refused ==== */

static void test_refused(void **state) {
    (void)state;
    const char *model = tiny_model("llama", "plain.gguf"), *experts = tiny_model("llama-moe", "experts.gguf");
    const char *output = scratch_path("refused.gguf");
    tt_vector vector = mix_for(model, 0.5F), wide = random_mix(4, 128, 0.5F), deep = random_mix(5, 64, 0.5F);
    tt_vector empty;
    assert_true(tt_vector_init(&empty, 4, 64, NULL));
    refuse(experts, &vector, output, "use trimtab merge");
    refuse(model, &wide, output, "a model of 4 layers of 128 values");
    refuse(model, &deep, output, "a model of 5 layers of 64 values");
    refuse(model, &empty, output, "there is nothing to bake");
    refuse(model, &vector, model, "is the model itself");
    refuse(model, &vector, "/nowhere/at/all.gguf", "/nowhere/at/all.gguf");
    const char *part = scratch_path("Tiny-language__debias.gguf");
    refuse(part, &vector, output, "is a control vector, not a model");
    assert_int_equal(access(output, F_OK), -1);
    tt_vector_free(&vector);
    tt_vector_free(&wide);
    tt_vector_free(&deep);
    tt_vector_free(&empty);
}

static void test_cancelled(void **state) {
    (void)state;
    const char *model = tiny_model("llama", "cancel.gguf"), *output = scratch_path("cancelled.gguf");
    tt_vector vector = mix_for(model, 0.5F);
    const atomic_bool cancel = true;
    tt_model_file file;
    tt_baked baked;
    tt_error err = {0};
    assert_true(tt_model_file_open(&file, model, NULL));
    assert_false(tt_bake(&file, &vector, output, &(tt_bake_options){.cancel = &cancel}, &baked, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    assert_int_equal(access(output, F_OK), -1);
    tt_model_file_close(&file);
    tt_vector_free(&vector);
}

static void test_part_names(void **state) {
    (void)state;
    const char *const cases[][2] = {{"a/m.gguf", "a/m-00002-of-00003.gguf"},
                                    {"a/m-00001-of-00003.gguf", "a/m-00002-of-00003.gguf"},
                                    {"m-00001-of-0003.gguf", "m-00001-of-0003-00002-of-00003.gguf"},
                                    {"-00001-of-00003.gguf", "-00001-of-00003-00002-of-00003.gguf"},
                                    {"m", "m-00002-of-00003.gguf"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = tt_model_part_path(cases[i][0], 1, 3, NULL);
        assert_string_equal(path, cases[i][1]);
        free(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiny_models),   cmocka_unit_test(test_quantised_model), cmocka_unit_test(test_copy),
        cmocka_unit_test(test_existing_bias), cmocka_unit_test(test_refused),         cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_part_names),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
