/* test_architectures.c: what capturing and steering rest on holds for every family's architecture (tiny_model.h).
 *
 * A second reader, written here against llama.h and the model file alone, says what the hidden states are: block 0's input
 * is the last token's row of the embedding, scaled where the family scales it, and the blocks' outputs are libllama's. */
#include "base/memory.h"
#include "model/generate.h"
#include "model/steered_batch.h"
#include "support/captured.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

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

enum { PROMPTS = 5 };

static const char *path;
static tt_engine *engine;
static const char *const *architectures;
static size_t architecture_count;

/* One family: its model, and prompts with common beginnings, longer than a sliding window and than a micro-batch. */
struct family {
    const char *name;
    tt_model *model;
    const tt_model_facts *facts;
    tt_tokens prompts[PROMPTS];
};

static void begin(struct family *family, const char *name) {
    static const char *const texts[PROMPTS] = {
        "You are a writer. Tell of the sea.",
        "You are a writer who is plain. Tell of the sea, of the land, and of everything that lies between them, at some "
        "length.",
        "You are a writer who is ornate. Tell of the sea, of the land, and of everything that lies between them, at some "
        "length.",
        "Be a bard",
        "You are a writer. Tell of the sea.",
    };
    *family = (struct family){.name = name};
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    options.architecture = name;
    assert_true(tt_tiny_model_write(path, &options));
    const tt_model_options model_options = {
        .path = path, .threads = 1, .ubatch = 32, .f32_cache = true, .flash_attention_off = true};
    tt_error err = {0};
    family->model = tt_model_open(engine, &model_options, &err);
    if (!family->model) fail_msg("%s: %s", name, err.message);
    family->facts = tt_model_facts_of(family->model);
    for (int i = 0; i < PROMPTS; i++)
        if (!tt_tokenize(family->model, texts[i], strlen(texts[i]), &family->prompts[i], &err))
            fail_msg("%s: %s", name, err.message);
}

static void end(struct family *family) {
    for (int i = 0; i < PROMPTS; i++) tt_tokens_free(&family->prompts[i]);
    tt_model_close(family->model);
}

static float *capture_all(const struct family *family, bool plain) {
    return test_capture_all(family->model, family->prompts, PROMPTS, plain, NULL, family->name);
}

static bool has_no_place(const char *name) { return !strcmp(name, "plamo2"); }

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

/* The row of token_embd.weight for `token`, as the file has it. */
static void read_embedding(int32_t token, const struct reader *reader) {
    struct ggml_context *data = NULL;
    struct gguf_context *gguf = gguf_init_from_file(path, (struct gguf_init_params){.ctx = &data});
    assert_non_null(gguf);
    const struct ggml_tensor *table = ggml_get_tensor(data, "token_embd.weight");
    assert_non_null(table);
    const float *row = (const float *)table->data + (size_t)token * reader->width;
    const char *architecture = gguf_get_val_str(gguf, gguf_find_key(gguf, "general.architecture"));
    const float scale = strncmp(architecture, "gemma", 5) == 0 ? sqrtf((float)reader->width) : 1;
    for (size_t k = 0; k < reader->width; k++) reader->states[k] = scale * row[k];
    gguf_free(gguf);
    ggml_free(data);
}

/* The hidden states at the last token of `prompt`: (blocks + 1) x width; the caller frees. */
static float *read_states(const struct family *family, const tt_tokens *prompt) {
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
    read_embedding(prompt->ids[prompt->count - 1], &reader);
    assert_int_equal(llama_decode(context, llama_batch_get_one(prompt->ids, (int32_t)prompt->count)), 0);
    llama_free(context);
    llama_model_free(model);
    return reader.states;
}

/* ==== Capturing ==== */

static void check_sums(const struct family *family, const float *contributions, const float *states) {
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
        if (has_no_place(architectures[i])) continue;
        struct family family;
        begin(&family, architectures[i]);
        const size_t stride = (size_t)family.facts->blocks * family.facts->width;
        float *contributions = capture_all(&family, true);
        for (int prompt = 0; prompt < PROMPTS; prompt++) {
            float *states = read_states(&family, &family.prompts[prompt]);
            check_sums(&family, contributions + (size_t)prompt * stride, states);
            free(states);
        }
        free(contributions);
        end(&family);
    }
}

static void together_equals_one_by_one(void **) {
    for (size_t i = 0; i < architecture_count; i++) {
        if (has_no_place(architectures[i])) continue;
        struct family family;
        begin(&family, architectures[i]);
        const size_t width = family.facts->width, blocks = family.facts->blocks;
        float *a = capture_all(&family, false), *b = capture_all(&family, true);
        for (size_t row = 0; row < PROMPTS * blocks; row++) {
            const double error = test_relative_error(a + row * width, b + row * width, width);
            if (!(error < 1e-3)) /* a random network amplifies rounding; another row would be wrong by about 1 */
                fail_msg("%s, prompt %zu, block %zu: relative error %g", family.name, row / blocks, row % blocks, error);
        }
        free(a);
        free(b);
        end(&family);
    }
}

static void values_beyond_half_precision_survive(void **) {
    struct family family;
    begin(&family, "gemma-2");
    float *contributions = capture_all(&family, false), *states = read_states(&family, &family.prompts[1]);
    const size_t width = family.facts->width, blocks = family.facts->blocks;
    float largest = 0;
    for (size_t i = 0; i < (blocks + 1) * width; i++) largest = fmaxf(largest, fabsf(states[i]));
    assert_true(largest > 65504);
    largest = 0;
    for (size_t i = 0; i < PROMPTS * blocks * width; i++) {
        assert_true(isfinite(contributions[i]));
        largest = fmaxf(largest, fabsf(contributions[i]));
    }
    assert_true(largest > 65504);
    free(contributions);
    free(states);
    end(&family);
}

/* ==== Steering ==== */

static tt_steering *steering_of(const struct family *family, float *const *rows) {
    const tt_steering_term term = {.rows = rows, .row_count = family->facts->blocks, .width = family->facts->width};
    tt_steering *steering = tt_steering_make(family->model, &term, 1, NULL);
    assert_non_null(steering);
    return steering;
}

/* A row for the middle block, as large as what that block adds by itself. */
static tt_steering *make_steering(const struct family *family) {
    const size_t width = family->facts->width, block = family->facts->blocks / 2;
    float *contributions = capture_all(family, true);
    float **rows = tt_alloc(family->facts->blocks, sizeof *rows, NULL);
    rows[block] = contributions + block * width;
    tt_steering *steering = steering_of(family, rows);
    free(rows);
    free(contributions);
    return steering;
}

static float *logits_of_generator(const struct family *family, tt_steering *steering) {
    tt_error err = {0};
    const size_t count = family->facts->vocabulary;
    float *logits = tt_alloc(count, sizeof *logits, NULL);
    tt_generator *generator = tt_generator_open(family->model, 512, &err);
    if (!generator || !tt_generator_steer(generator, steering, &err) ||
        !tt_generator_read(generator, &family->prompts[0], NULL, NULL, &err))
        fail_msg("%s: %s", family->name, err.message);
    memcpy(logits, tt_generator_logits(generator), count * sizeof *logits);
    tt_generator_close(generator);
    return logits;
}

static float *logits_of_batch(const struct family *family, tt_steering *steering) {
    tt_error err = {0};
    const size_t count = family->facts->vocabulary, length = family->prompts[0].count;
    float *logits = tt_alloc(count, sizeof *logits, NULL);
    tt_steered_batch batch = {0};
    bool ok = tt_steered_batch_open(&batch, family->model, &err) && tt_steered_batch_reserve(&batch, length, 1, &err);
    for (size_t i = 0; ok && i < length; i++) {
        tt_steered_batch_add(&batch, family->prompts[0].ids[i], i, i + 1 == length, steering);
        tt_steered_batch_join(&batch, 0);
        if (batch.length < batch.capacity && i + 1 < length) continue;
        ok = tt_steered_batch_decode(&batch, NULL, &err);
        if (ok && i + 1 == length) memcpy(logits, tt_steered_batch_logits(&batch, batch.length - 1), count * sizeof *logits);
        tt_steered_batch_clear(&batch);
    }
    if (!ok) fail_msg("%s: %s", family->name, err.message);
    tt_steered_batch_close(&batch);
    return logits;
}

/* A vector through libllama's adapter, as `run` steers, and through the callback, as `serve` does, moves the logits alike.
 */
static void both_ways_of_steering_agree(void **) {
    for (size_t i = 0; i < architecture_count; i++) {
        if (has_no_place(architectures[i])) continue;
        struct family family;
        begin(&family, architectures[i]);
        tt_steering *steering = make_steering(&family);
        float *plain = logits_of_generator(&family, NULL), *adapter = logits_of_generator(&family, steering);
        float *callback = logits_of_batch(&family, steering);
        const double moved = test_relative_error(adapter, plain, family.facts->vocabulary);
        const double apart = test_relative_error(callback, adapter, family.facts->vocabulary);
        if (!(moved > 1e-3)) fail_msg("%s: a vector moves the logits by %g only", family.name, moved);
        if (!(apart < 1e-4)) fail_msg("%s: adapter and callback differ by %g", family.name, apart);
        free(plain);
        free(adapter);
        free(callback);
        tt_steering_release(steering);
        end(&family);
    }
}

static void refuses_by_name(const tt_error *err) {
    assert_int_equal(err->kind, TT_ERROR_MODEL);
    if (!strstr(err->message, "'plamo2' models cannot be steered")) fail_msg("%s", err->message);
}

static void an_architecture_without_a_place_is_refused(void **) {
    struct family family;
    begin(&family, "plamo2");
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
    tt_steering *steering = steering_of(&family, rows);
    assert_false(tt_generator_steer(generator, steering, &err));
    tt_steering_release(steering);
    refuses_by_name(&err);
    assert_true(tt_generator_steer(generator, NULL, &err)); /* it still writes unsteered */
    assert_true(tt_generator_read(generator, &family.prompts[3], NULL, NULL, &err));
    tt_generator_close(generator);
    end(&family);
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
    };
    return cmocka_run_group_tests_name("architectures", tests, set_up, tear_down);
}
