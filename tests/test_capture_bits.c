/* test_capture_bits.c: on a CPU a prompt's contributions are the same bits whatever it is captured with, in every format of
 * weights.
 *
 * ggml's matrix products round by how many tokens come together (docs/capture.md has its kernels); capturing hides that. So
 * tiny models are written in many formats and captured as a tree of 1, 2, 3, 5 and 12 prompts, in micro-batches of 32 tokens
 * and in large ones, and each prompt by itself: all must agree in every bit. */
#include "base/random.h"
#include "support/captured.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

#include <cmocka.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPTS = 12, LONGEST = 90 };

static tt_engine *engine;
static int32_t ids[PROMPTS][LONGEST];
static tt_tokens prompts[PROMPTS];

/* Prompts of 3 to 90 tokens. Each begins as an earlier one does, for a third to all of that one's length; the last one is an
 * earlier one. */
static void make_prompts(void) {
    for (size_t i = 0; i < PROMPTS; i++) {
        const size_t length = i == 4 ? LONGEST : 3 + tt_random_bits(5, 1, i, 0) % 50;
        const tt_tokens like = i ? prompts[tt_random_bits(5, 2, i, 0) % i] : (tt_tokens){0};
        const size_t shared = like.count / 3 + (like.count ? tt_random_bits(5, 3, i, 0) % like.count : 0);
        for (size_t k = 0; k < length; k++)
            ids[i][k] = k < shared && k < like.count ? like.ids[k] : (int32_t)(20 + tt_random_bits(5, 4, i, k) % 200);
        prompts[i] = (tt_tokens){ids[i], length};
    }
    prompts[PROMPTS - 1] = prompts[2];
}

static int set_up(void **) {
    tt_engine_even_experts();
    engine = tt_engine_start(&(tt_engine_options){0}, NULL);
    make_prompts();
    return engine ? 0 : -1;
}

static int tear_down(void **) {
    tt_engine_stop(engine);
    return 0;
}

/* A tiny model with all its matrices in that format: its path. */
static const char *write_model(const char *architecture, enum llama_ftype format) {
    const char *exact = scratch_path("exact.gguf"), *path = scratch_path("model.gguf");
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    options.architecture = architecture;
    options.width = 256; /* a block of the k-quants */
    options.feed_forward = 512;
    options.layers = 2;
    assert_true(tt_tiny_model_write(exact, &options));
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = format;
    params.pure = true;
    params.nthread = 1; /* its threads synchronise unseen by the thread sanitizer */
    assert_int_equal(llama_model_quantize(exact, path, &params), 0);
    return path;
}

static void assert_same_bits(const float *a, const float *b, size_t count, const tt_model_facts *facts, const char *name) {
    for (size_t i = 0; i < count * facts->blocks; i++)
        if (memcmp(a + i * facts->width, b + i * facts->width, facts->width * sizeof *a) != 0)
            fail_msg("%s, %zu prompts together: prompt %zu, block %zu: relative error %g", name, count, i / facts->blocks,
                     i % facts->blocks, test_relative_error(a + i * facts->width, b + i * facts->width, facts->width));
}

static float *capture(const char *path, int ubatch, bool plain, size_t count, tt_model **model, const char *name) {
    tt_error err = {0};
    if (!*model) *model = tt_model_open(engine, &(tt_model_options){.path = path, .threads = 1, .ubatch = ubatch}, &err);
    if (!*model) fail_msg("%s: %s", name, err.message);
    return test_capture_all(*model, prompts, count, plain, NULL, name);
}

static void check(const char *architecture, enum llama_ftype format, const char *name) {
    static const size_t counts[] = {1, 2, 3, 5, PROMPTS};
    const char *path = write_model(architecture, format);
    tt_model *large = NULL, *small = NULL;
    float *expected = capture(path, 512, true, PROMPTS, &large, name);
    const tt_model_facts *facts = tt_model_facts_of(large);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        float *a = capture(path, 512, false, counts[i], &large, name),
              *b = capture(path, 30, false, counts[i], &small, name);
        assert_same_bits(a, expected, counts[i], facts, name);
        assert_same_bits(b, expected, counts[i], facts, name);
        free(a);
        free(b);
    }
    float *b = capture(path, 30, true, PROMPTS, &small, name);
    assert_same_bits(b, expected, PROMPTS, facts, name);
    free(b);
    free(expected);
    tt_model_close(large);
    tt_model_close(small);
}

static const struct {
    const char *name;
    enum llama_ftype format;
} formats[] = {
    {"F32", LLAMA_FTYPE_ALL_F32},          {"F16", LLAMA_FTYPE_MOSTLY_F16},       {"BF16", LLAMA_FTYPE_MOSTLY_BF16},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},     {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},     {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},
    {"Q5_1", LLAMA_FTYPE_MOSTLY_Q5_1},     {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},     {"Q3_K", LLAMA_FTYPE_MOSTLY_Q3_K_S},
    {"Q4_K", LLAMA_FTYPE_MOSTLY_Q4_K_S},   {"Q5_K", LLAMA_FTYPE_MOSTLY_Q5_K_S},   {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},
    {"IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL}, {"IQ4_XS", LLAMA_FTYPE_MOSTLY_IQ4_XS},
};

static void dense_models(void **) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) check("llama", formats[i].format, formats[i].name);
}

/* Attention that slides, norms behind the blocks, embeddings that are scaled and the output too. */
static void sliding_attention(void **) {
    check("gemma-3", LLAMA_FTYPE_MOSTLY_Q4_K_S, "Gemma 3 in Q4_K");
    check("gemma-3", LLAMA_FTYPE_MOSTLY_Q6_K, "Gemma 3 in Q6_K");
}

/* How many tokens go to one expert cannot be chosen: tt_engine_even_experts counts here. */
static void experts(void **) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) check("llama-moe", formats[i].format, formats[i].name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_models),
        cmocka_unit_test(sliding_attention),
        cmocka_unit_test(experts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
