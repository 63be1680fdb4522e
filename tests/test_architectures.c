/* test_architectures.c: what capturing and steering rest on holds for every family's architecture (tiny_model.h).
 *
 * A second reader, written here against llama.h and the model file alone, says what the hidden states are: block 0's input
 * is the last token's row of the embedding, scaled, normalised or with its position's row added where the family does that,
 * and the blocks' outputs are libllama's. */
#include "base/memory.h"
#include "model/generate.h"
#include "support/captured.h"
#include "support/family.h"
#include "support/scratch.h"

#include <gguf.h>
#include <llama.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *path;
static tt_engine *engine;
static const char *const *architectures;
static size_t architecture_count;

/* ==== The second reader ==== */

struct reader {
    size_t width;
    float *states; /* (blocks + 1) x width: h_0, h_1, ... at the last token */
};

static bool on_node(struct ggml_tensor *node, bool asking, void *user_data) {
    const struct reader *reader = user_data;
    int block;
    char rest;
    if (sscanf(node->name, "l_out-%d%c", &block, &rest) != 1) return !asking;
    if (asking) return true;
    const size_t last = (size_t)(node->ne[1] - 1) * node->nb[1];
    ggml_backend_tensor_get(node, reader->states + (size_t)(block + 1) * reader->width, last, reader->width * sizeof(float));
    return true;
}

/* A row of a table of the file's, times `scale`, added to h_0. */
static void add_row(struct ggml_context *data, const char *table, size_t row, float scale, const struct reader *reader) {
    const struct ggml_tensor *tensor = ggml_get_tensor(data, table);
    assert_non_null(tensor);
    const float *values = (const float *)tensor->data + row * reader->width;
    for (size_t k = 0; k < reader->width; k++) reader->states[k] += scale * values[k];
}

/* A layer norm over h_0 with the file's weights, as BLOOM's embedding has one. */
static void normalise(struct ggml_context *data, const struct reader *reader) {
    const float *weight = ggml_get_tensor(data, "token_embd_norm.weight")->data;
    const float *bias = ggml_get_tensor(data, "token_embd_norm.bias")->data;
    const double width = (double)reader->width;
    double mean = 0, variance = 0;
    for (size_t k = 0; k < reader->width; k++) mean += (double)reader->states[k] / width;
    for (size_t k = 0; k < reader->width; k++) variance += pow((double)reader->states[k] - mean, 2) / width;
    for (size_t k = 0; k < reader->width; k++)
        reader->states[k] =
            (float)(((double)reader->states[k] - mean) / sqrt(variance + 1e-5) * (double)weight[k] + (double)bias[k]);
}

/* h_0 of `token`, which stands at `position`, as the file and the makers of the architecture have it. */
static void read_embedding(int32_t token, size_t position, const struct reader *reader) {
    struct ggml_context *data = NULL;
    struct gguf_context *gguf = gguf_init_from_file(path, (struct gguf_init_params){.ctx = &data});
    assert_non_null(gguf);
    const char *architecture = gguf_get_val_str(gguf, gguf_find_key(gguf, "general.architecture"));
    const int64_t scale_key = gguf_find_key(gguf, "granite.embedding_scale");
    const float scale = strncmp(architecture, "gemma", 5) == 0 ? sqrtf((float)reader->width)
                        : scale_key >= 0                       ? gguf_get_val_f32(gguf, scale_key)
                                                               : 1;
    add_row(data, "token_embd.weight", (size_t)token, scale, reader);
    if (!strcmp(architecture, "gpt2")) add_row(data, "position_embd.weight", position, 1, reader);
    if (!strcmp(architecture, "bloom")) normalise(data, reader);
    gguf_free(gguf);
    ggml_free(data);
}

/* The hidden states at the last token of `prompt`: (blocks + 1) x width; the caller frees. */
static float *read_states(const test_family *family, const tt_tokens *prompt) {
    struct reader reader = {.width = family->facts->width};
    reader.states = tt_alloc((family->facts->blocks + 1) * reader.width, sizeof *reader.states, NULL);
    assert_non_null(reader.states);
    struct llama_model *model = llama_model_load_from_file(path, llama_model_default_params());
    assert_non_null(model);
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 512;
    params.n_threads = params.n_threads_batch = 1;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.cb_eval = on_node;
    params.cb_eval_user_data = &reader;
    struct llama_context *context = llama_init_from_model(model, params);
    assert_non_null(context);
    read_embedding(prompt->ids[prompt->count - 1], prompt->count - 1, &reader);
    assert_int_equal(llama_decode(context, llama_batch_get_one(prompt->ids, (int32_t)prompt->count)), 0);
    llama_free(context);
    llama_model_free(model);
    return reader.states;
}

/* ==== Capturing ==== */

static void check_sums(const test_family *family, const float *contributions, const float *states) {
    const size_t width = family->facts->width;
    double *sum = tt_alloc(width, sizeof *sum, NULL);
    float *rounded = tt_alloc(width, sizeof *rounded, NULL);
    for (size_t k = 0; k < width; k++) sum[k] = (double)states[k];
    for (size_t block = 0; block < family->facts->blocks; block++) {
        for (size_t k = 0; k < width; k++) {
            sum[k] += (double)contributions[block * width + k];
            rounded[k] = (float)sum[k];
        }
        const double error = test_relative_error(rounded, states + (block + 1) * width, width);
        if (!(error < 1e-4)) fail_msg("%s, block %zu: relative error %g", family->name, block, error);
    }
    free(sum);
    free(rounded);
}

static void contributions_add_up(void **) {
    for (size_t i = 0; i < architecture_count; i++) {
        if (test_family_has_no_place(architectures[i])) continue;
        test_family family;
        test_family_begin(&family, engine, path, architectures[i], 0);
        const size_t stride = (size_t)family.facts->blocks * family.facts->width;
        float *contributions = test_family_capture(&family, true);
        for (int prompt = 0; prompt < TEST_FAMILY_PROMPTS; prompt++) {
            float *states = read_states(&family, &family.prompts[prompt]);
            check_sums(&family, contributions + (size_t)prompt * stride, states);
            free(states);
        }
        free(contributions);
        test_family_end(&family);
    }
}

static void together_equals_one_by_one(void **) {
    for (size_t i = 0; i < architecture_count; i++) {
        if (test_family_has_no_place(architectures[i])) continue;
        test_family family;
        test_family_begin(&family, engine, path, architectures[i], 0);
        const size_t width = family.facts->width, blocks = family.facts->blocks;
        float *a = test_family_capture(&family, false), *b = test_family_capture(&family, true);
        for (size_t row = 0; row < TEST_FAMILY_PROMPTS * blocks; row++) {
            const double error = test_relative_error(a + row * width, b + row * width, width);
            if (!(error < 1e-3)) /* a random network amplifies rounding; another row would be wrong by about 1 */
                fail_msg("%s, prompt %zu, block %zu: relative error %g", family.name, row / blocks, row % blocks, error);
        }
        free(a);
        free(b);
        test_family_end(&family);
    }
}

static void values_beyond_half_precision_survive(void **) {
    test_family family;
    test_family_begin(&family, engine, path, "gemma-2", 0);
    float *contributions = test_family_capture(&family, false), *states = read_states(&family, &family.prompts[1]);
    const size_t width = family.facts->width, blocks = family.facts->blocks;
    float largest = 0;
    for (size_t i = 0; i < (blocks + 1) * width; i++) largest = fmaxf(largest, fabsf(states[i]));
    assert_true(largest > 65504);
    largest = 0;
    for (size_t i = 0; i < TEST_FAMILY_PROMPTS * blocks * width; i++) {
        assert_true(isfinite(contributions[i]));
        largest = fmaxf(largest, fabsf(contributions[i]));
    }
    assert_true(largest > 65504);
    free(contributions);
    free(states);
    test_family_end(&family);
}

/* ==== Steering ==== */

/* A vector through libllama's adapter, as `run` steers, and through the callback, as `serve` does, moves the logits alike.
 */
static void both_ways_of_steering_agree(void **) {
    for (size_t i = 0; i < architecture_count; i++) {
        if (test_family_has_no_place(architectures[i])) continue;
        test_family family;
        test_family_begin(&family, engine, path, architectures[i], 0);
        tt_steering *steering = test_family_steering(&family, family.facts->blocks / 2, 1);
        float *plain = test_family_generator_logits(&family, NULL),
              *adapter = test_family_generator_logits(&family, steering);
        float *callback = test_family_batch_logits(&family, &steering, 1);
        const double moved = test_relative_error(adapter, plain, family.facts->vocabulary);
        const double apart = test_relative_error(callback, adapter, family.facts->vocabulary);
        if (!(moved > 1e-3)) fail_msg("%s: a vector moves the logits by %g only", family.name, moved);
        if (!(apart < 1e-4)) fail_msg("%s: adapter and callback differ by %g", family.name, apart);
        free(plain);
        free(adapter);
        free(callback);
        tt_steering_release(steering);
        test_family_end(&family);
    }
}

static void refuses_by_name(const tt_error *err) {
    assert_int_equal(err->kind, TT_ERROR_MODEL);
    if (!strstr(err->message, "'plamo2' models cannot be steered")) fail_msg("%s", err->message);
}

static void an_architecture_without_a_place_is_refused(void **) {
    test_family family;
    test_family_begin(&family, engine, path, "plamo2", 0);
    tt_error err = {0};
    assert_false(tt_model_check_steerable(family.model, &err));
    refuses_by_name(&err);
    err = (tt_error){0};
    assert_null(tt_capture_open(family.model, &(tt_capture_options){0}, &err));
    refuses_by_name(&err);
    err = (tt_error){0};
    tt_generator *generator = tt_generator_open(family.model, 64, &err);
    assert_non_null(generator);
    float row[64] = {1}, *rows[64] = {NULL, row};
    assert_int_equal(family.facts->width, 64);
    const tt_steering_term term = {.rows = rows, .row_count = family.facts->blocks, .width = family.facts->width};
    tt_steering *steering = tt_steering_make(family.model, &term, 1, &err);
    assert_non_null(steering);
    assert_false(tt_generator_steer(generator, steering, &err));
    tt_steering_release(steering);
    refuses_by_name(&err);
    assert_true(tt_generator_steer(generator, NULL, &err)); /* it still writes unsteered */
    assert_true(tt_generator_read(generator, &family.prompts[3], NULL, NULL, &err));
    tt_generator_close(generator);
    test_family_end(&family);
}

/* ==== Conversations ==== */

/* The first `kept` tokens of the first prompt, and the second prompt behind them. */
static tt_tokens continued(const test_family *family, size_t kept) {
    const tt_tokens *first = &family->prompts[0], *second = &family->prompts[1];
    tt_tokens both = {tt_alloc(kept + second->count, sizeof *both.ids, NULL), kept + second->count};
    memcpy(both.ids, first->ids, kept * sizeof *both.ids);
    memcpy(both.ids + kept, second->ids, second->count * sizeof *both.ids);
    return both;
}

/* What `generator` says behind a prompt is what a new one says; returns how many tokens it had computed before. */
static size_t reads_as_new(const test_family *family, tt_generator *generator, const tt_tokens *prompt) {
    tt_error err = {0};
    size_t reused;
    tt_generator *fresh = tt_generator_open(family->model, 512, &err);
    if (!fresh || !tt_generator_read(generator, prompt, NULL, &reused, &err) ||
        !tt_generator_read(fresh, prompt, NULL, NULL, &err))
        fail_msg("%s: %s", family->name, err.message);
    const double apart =
        test_relative_error(tt_generator_logits(generator), tt_generator_logits(fresh), family->facts->vocabulary);
    if (!(apart < 1e-4)) fail_msg("%s: with %zu tokens used again the logits differ by %g", family->name, reused, apart);
    tt_generator_close(fresh);
    return reused;
}

/* A turn that continues the last one computes its own tokens alone, also where blocks carry a state, which cannot be cut:
 * there one that goes another way begins anew. */
static void turns_go_on_from_what_is_computed(void **) {
    for (size_t i = 0; i < architecture_count; i++) {
        test_family family;
        test_family_begin(&family, engine, path, architectures[i], 0);
        tt_generator *generator = tt_generator_open(family.model, 512, NULL);
        assert_non_null(generator);
        const size_t length = family.prompts[0].count;
        tt_tokens next = continued(&family, length), other = continued(&family, length / 2);
        assert_int_equal(reads_as_new(&family, generator, &family.prompts[0]), 0);
        assert_int_equal(reads_as_new(&family, generator, &next), length);
        const size_t reused = reads_as_new(&family, generator, &other);
        if (family.facts->recurrent)
            assert_int_equal(reused, 0);
        else
            assert_true(reused >= length / 2);
        tt_tokens_free(&next);
        tt_tokens_free(&other);
        tt_generator_close(generator);
        test_family_end(&family);
    }
}

static int set_up(void **) {
    path = scratch_path("tiny.gguf");
    architectures = tt_tiny_architectures(&architecture_count);
    engine = tt_engine_start(&(tt_engine_options){0}, NULL);
    return engine ? 0 : -1;
}

static int tear_down(void **) {
    tt_engine_stop(engine);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contributions_add_up),
        cmocka_unit_test(together_equals_one_by_one),
        cmocka_unit_test(values_beyond_half_precision_survive),
        cmocka_unit_test(both_ways_of_steering_agree),
        cmocka_unit_test(an_architecture_without_a_place_is_refused),
        cmocka_unit_test(turns_go_on_from_what_is_computed),
    };
    return cmocka_run_group_tests_name("architectures", tests, set_up, tear_down);
}
