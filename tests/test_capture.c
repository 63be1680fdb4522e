/* test_capture.c: contributions captured together equal those captured one by one, and they are what llama.cpp's hidden
 * states say.
 *
 * Exactness is judged on a tiny F32 model with an F32 cache and without flash attention, whose CPU kernel rounds to half
 * precision: there, batching and sharing must change nothing but the order of additions. */
#include "base/memory.h"
#include "model/chat.h"
#include "support/captured.h"
#include "support/scratch.h"
#include "support/tiny_model.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PROMPTS = 9 };

static tt_engine *engine;
static tt_model *model;
static tt_tokens prompts[PROMPTS];

/* Prompts as training asks them: common heads, different lengths, one twice, one that begins another. */
static bool make_prompts(tt_error *err) {
    static const char *const texts[PROMPTS] = {
        "You are a writer. Tell of the sea.",
        "You are a writer who is plain. Tell of the sea.",
        "You are a writer who is ornate and slow. Tell of the sea.",
        "You are a writer. Tell of the sea.",
        ("You are a writer. Tell of the sea. And of the land, and of everything that lies between them, at some length, "
         "please."),
        "Be a bard. Sing.",
        "Be a bard",
        "x",
        "You are a writer who is plain. Tell of a hill.",
    };
    for (int i = 0; i < PROMPTS; i++)
        if (!tt_tokenize(model, texts[i], strlen(texts[i]), &prompts[i], err)) return false;
    return true;
}

static int set_up(void **) {
    tt_error err = {0};
    const char *path = scratch_path("tiny.gguf");
    const bool ok =
        tt_tiny_model_write(path, NULL) && (engine = tt_engine_start(&(tt_engine_options){0}, &err)) &&
        (model = tt_model_open(
             engine,
             &(tt_model_options){.path = path, .threads = 2, .ubatch = 32, .f32_cache = true, .flash_attention_off = true},
             &err)) &&
        make_prompts(&err);
    if (!ok) fprintf(stderr, "%s\n", err.message);
    return ok ? 0 : -1;
}

static int tear_down(void **) {
    for (int i = 0; i < PROMPTS; i++) tt_tokens_free(&prompts[i]);
    tt_model_close(model);
    tt_engine_stop(engine);
    return 0;
}

static float *capture_all(bool plain, tt_capture_counts *counts) {
    return test_capture_all(model, prompts, PROMPTS, plain, counts, plain ? "one by one" : "together");
}

static void together_equals_one_by_one(void **) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    tt_capture_counts shared, plain;
    float *a = capture_all(false, &shared), *b = capture_all(true, &plain);
    for (size_t i = 0; i < (size_t)PROMPTS * facts->blocks; i++) {
        const double error = test_relative_error(a + i * facts->width, b + i * facts->width, facts->width);
        if (!(error < 1e-4))
            fail_msg("prompt %zu, block %zu: relative error %g", i / facts->blocks, i % facts->blocks, error);
    }
    assert_int_equal(plain.computed_tokens, plain.plain_tokens);
    assert_int_equal(shared.plain_tokens, plain.plain_tokens);
    assert_true(shared.computed_tokens < plain.computed_tokens * 3 / 4);
    free(a);
    free(b);
}

static void is_reproducible_and_forgets_earlier_calls(void **) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    const size_t size = (size_t)PROMPTS * facts->blocks * facts->width;
    float *a = capture_all(false, NULL), *b = tt_alloc(size, sizeof *b, NULL);
    tt_capture *capture = tt_capture_open(model, &(tt_capture_options){0}, NULL);
    assert_non_null(capture);
    assert_true(tt_capture_run(capture, prompts + 4, 1, NULL, b, NULL));
    assert_true(tt_capture_run(capture, prompts, PROMPTS, NULL, b, NULL));
    assert_memory_equal(a, b, size * sizeof *a);
    tt_capture_close(capture);
    free(a);
    free(b);
}

/* A prompt that stands twice has the same contributions twice, and different prompts have different ones, in every block. */
static void rows_belong_to_their_prompts(void **) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    const size_t stride = (size_t)facts->blocks * facts->width;
    float *a = capture_all(false, NULL);
    assert_memory_equal(a, a + 3 * stride, stride * sizeof *a);
    for (size_t block = 1; block < facts->blocks; block++) /* block 0 sees only the last token and its attention */
        assert_true(test_relative_error(a + block * facts->width, a + stride + block * facts->width, facts->width) > 1e-3);
    free(a);
}

static void stops_when_asked(void **) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    float *a = tt_alloc((size_t)PROMPTS * facts->blocks * facts->width, sizeof *a, NULL);
    tt_capture *capture = tt_capture_open(model, &(tt_capture_options){0}, NULL);
    atomic_bool cancel = true;
    tt_error err = {0};
    assert_false(tt_capture_run(capture, prompts, PROMPTS, &cancel, a, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    cancel = false;
    assert_true(tt_capture_run(capture, prompts, PROMPTS, &cancel, a, &err));
    tt_capture_close(capture);
    free(a);
}

static void refuses_prompts_that_cannot_be(void **) {
    tt_capture *capture = tt_capture_open(model, &(tt_capture_options){0}, NULL);
    tt_error err = {0};
    float value;
    const tt_tokens empty = {0};
    assert_false(tt_capture_run(capture, &empty, 1, NULL, &value, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    int32_t *ids = calloc(100000, sizeof *ids);
    const tt_tokens endless = {ids, 100000};
    assert_false(tt_capture_run(capture, &endless, 1, NULL, &value, &err));
    assert_non_null(strstr(err.message, "longer than the model's context"));
    free(ids);
    tt_capture_close(capture);
}

static void one_beginning_of_text_alone(void **) {
    tt_tokens tokens, twice;
    assert_true(tt_tokenize(model, "hello", 5, &tokens, NULL));
    assert_true(tt_tokenize(model, "<s>hello", 8, &twice, NULL));
    assert_true(tokens.count > 1);
    assert_int_equal(twice.ids[0], tokens.ids[0]);
    for (size_t i = 1; i < twice.count; i++) assert_int_not_equal(twice.ids[i], twice.ids[0]);
    tt_tokens_free(&tokens);
    tt_tokens_free(&twice);
}

static void unknown_template_is_an_error_with_names(void **) {
    tt_error err = {0};
    assert_null(tt_chat_open(model, &(tt_chat_options){.name = "no-such-template"}, &err));
    assert_non_null(strstr(err.message, "chatml"));
    tt_chat *chat = tt_chat_open(model, &(tt_chat_options){.name = "none"}, &err);
    assert_non_null(chat);
    char *text = tt_chat_render(chat, &(tt_message){"user", "Hello"}, 1, &err);
    assert_string_equal(text, "Hello\n\n");
    free(text);
    tt_chat_close(chat);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together_equals_one_by_one),
        cmocka_unit_test(is_reproducible_and_forgets_earlier_calls),
        cmocka_unit_test(rows_belong_to_their_prompts),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(refuses_prompts_that_cannot_be),
        cmocka_unit_test(one_beginning_of_text_alone),
        cmocka_unit_test(unknown_template_is_an_error_with_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
