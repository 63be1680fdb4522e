/* test_generate.c: steering, the reuse of what was computed, stopping, and text in whole characters. */
#include "base/memory.h"
#include "base/text.h"
#include "model/generate.h"
#include "model/pieces.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 256 };

static struct tt_open_model tiny;
static uint32_t blocks, width, vocabulary;

static int begin(void **) {
    tt_open_model_begin(&tiny, NULL);
    const tt_model_facts *facts = tt_model_facts_of(tiny.model);
    blocks = facts->blocks;
    width = facts->width;
    vocabulary = facts->vocabulary;
    return 0;
}

static int end(void **) {
    tt_open_model_end(&tiny);
    return 0;
}

static tt_generator *open_generator(void) {
    tt_error err = {0};
    tt_generator *generator = tt_generator_open(tiny.model, CONTEXT, &err);
    if (!generator) fail_msg("%s", err.message);
    return generator;
}

static tt_tokens tokens_of(const char *text) {
    tt_tokens tokens;
    assert_true(tt_tokenize(tiny.model, text, strlen(text), &tokens, NULL));
    return tokens;
}

static const char long_prompt[] =
    "Once upon a time there was a small ship whose rudder was far too heavy for its crew to turn in a storm.";

/* ==== Steering ==== */

/* A row for each block: a wave whose phase depends on the block. */
static float **make_rows(double scale) {
    float **rows = calloc(blocks, sizeof *rows);
    assert_non_null(rows);
    for (uint32_t K = 1; K < blocks; K++) {
        rows[K] = calloc(width, sizeof **rows);
        assert_non_null(rows[K]);
        for (uint32_t i = 0; i < width; i++) rows[K][i] = (float)(scale * sin(0.37 * i + K));
    }
    return rows;
}

static void free_rows(float **rows) {
    for (uint32_t K = 1; K < blocks; K++) free(rows[K]);
    free(rows);
}

static void steer(tt_generator *generator, float **rows) {
    tt_error err = {0};
    tt_steering *steering =
        tt_steering_make(tiny.model, &(tt_steering_term){.rows = rows, .row_count = blocks, .width = width}, 1, &err);
    if (!steering || !tt_generator_steer(generator, steering, &err)) fail_msg("%s", err.message);
    tt_steering_release(steering);
}

/* The logits behind `text`, in memory of the caller's. */
static float *logits_behind(tt_generator *generator, const char *text) {
    tt_tokens tokens = tokens_of(text);
    tt_error err = {0};
    if (!tt_generator_read(generator, &tokens, NULL, &err)) fail_msg("%s", err.message);
    tt_tokens_free(&tokens);
    float *logits = malloc(vocabulary * sizeof *logits);
    assert_non_null(logits);
    memcpy(logits, tt_generator_logits(generator), vocabulary * sizeof *logits);
    return logits;
}

static double distance(const float *a, const float *b) {
    double most = 0;
    for (uint32_t i = 0; i < vocabulary; i++) most = fmax(most, fabs((double)a[i] - b[i]));
    return most;
}

static void steering_moves_the_logits_and_can_be_taken_off(void **) {
    tt_generator *generator = open_generator();
    float *plain = logits_behind(generator, long_prompt);
    float **rows = make_rows(0.5);
    steer(generator, rows);
    assert_int_equal(tt_generator_length(generator), 0); /* nothing computed before is of use */
    float *steered = logits_behind(generator, long_prompt);
    assert_true(distance(plain, steered) > 0.01);
    assert_true(tt_generator_steer(generator, NULL, NULL));
    float *again = logits_behind(generator, long_prompt);
    assert_memory_equal(plain, again, vocabulary * sizeof *plain);
    free_rows(rows);
    free(plain), free(steered), free(again);
    tt_generator_close(generator);
}

static void empty_and_zero_rows_change_nothing(void **) {
    tt_generator *generator = open_generator();
    float *plain = logits_behind(generator, long_prompt);
    float **none = calloc(blocks, sizeof *none), **zero = make_rows(0);
    steer(generator, none);
    float *empty = logits_behind(generator, long_prompt);
    assert_memory_equal(plain, empty, vocabulary * sizeof *plain);
    steer(generator, zero);
    float *zeroed = logits_behind(generator, long_prompt);
    assert_memory_equal(plain, zeroed, vocabulary * sizeof *plain);
    free(none);
    free_rows(zero);
    free(plain), free(empty), free(zeroed);
    tt_generator_close(generator);
}

/* A single row counts, at any block from 1 to the last: none is off by one. */
static void every_row_arrives(void **) {
    tt_generator *generator = open_generator();
    float *plain = logits_behind(generator, long_prompt);
    float **rows = make_rows(0.5);
    for (uint32_t K = 1; K < blocks; K++) {
        float **one = calloc(blocks, sizeof *one);
        one[K] = rows[K];
        steer(generator, one);
        float *steered = logits_behind(generator, long_prompt);
        assert_true(distance(plain, steered) > 1e-3);
        free(one);
        free(steered);
    }
    free_rows(rows);
    free(plain);
    tt_generator_close(generator);
}

static void a_row_for_block_0_has_no_effect(void **) {
    tt_generator *generator = open_generator();
    float *plain = logits_behind(generator, long_prompt);
    float **rows = make_rows(0.5);
    float **first = calloc(blocks, sizeof *first);
    first[0] = rows[1];
    steer(generator, first);
    float *steered = logits_behind(generator, long_prompt);
    assert_memory_equal(plain, steered, vocabulary * sizeof *plain);
    free(first);
    free_rows(rows);
    free(plain), free(steered);
    tt_generator_close(generator);
}

static void same_steering_keeps_the_cache(void **) {
    tt_generator *generator = open_generator();
    float **rows = make_rows(0.5), **same = make_rows(0.5), **other = make_rows(0.25);
    steer(generator, rows);
    free(logits_behind(generator, long_prompt));
    const size_t length = tt_generator_length(generator);
    assert_true(length > 0);
    steer(generator, same);
    assert_int_equal(tt_generator_length(generator), length);
    steer(generator, other);
    assert_int_equal(tt_generator_length(generator), 0);
    free_rows(rows), free_rows(same), free_rows(other);
    tt_generator_close(generator);
}

static void steering_to_infinity_is_told(void **) {
    tt_generator *generator = open_generator();
    float **rows = make_rows(0);
    for (uint32_t K = 1; K < blocks; K++) rows[K][0] = 3e38F; /* two of them overflow */
    steer(generator, rows);
    tt_tokens prompt = tokens_of("Hello");
    tt_sampling sampling = tt_sampling_defaults();
    tt_sampler *sampler = tt_sampler_open(tiny.model, &sampling, NULL);
    tt_generated generated;
    tt_error err = {0};
    assert_false(tt_generator_run(generator, &prompt, sampler, &(tt_generation){.limit = 4}, &generated, &err));
    assert_int_equal(err.kind, TT_ERROR_MODEL);
    assert_non_null(strstr(err.message, "too strongly"));
    tt_sampler_close(sampler);
    tt_tokens_free(&prompt);
    free_rows(rows);
    tt_generator_close(generator);
}

/* ==== Writing ==== */

static bool collect(const char *bytes, size_t length, void *user_data) {
    assert_true(tt_utf8_valid(bytes, length, NULL));
    assert_int_equal(bytes[length], '\0');
    tt_text_add_bytes(user_data, bytes, length);
    return true;
}

/* Writes `limit` greedy tokens behind `prompt`; the text is the caller's. */
static char *write_behind(tt_generator *generator, const char *prompt, int64_t limit, tt_generated *generated) {
    tt_error err = {0};
    tt_text text = {0};
    tt_sampling sampling = tt_sampling_defaults();
    sampling.temperature = 0;
    sampling.ignore_end = true;
    tt_sampler *sampler = tt_sampler_open(tiny.model, &sampling, &err);
    assert_non_null(sampler);
    tt_tokens tokens = tokens_of(prompt);
    const tt_generation generation = {.limit = limit, .on_text = collect, .user_data = &text};
    if (!tt_generator_run(generator, &tokens, sampler, &generation, generated, &err)) fail_msg("%s", err.message);
    tt_tokens_free(&tokens);
    tt_sampler_close(sampler);
    return text.data ? text.data : strdup("");
}

static void a_conversation_computes_only_what_is_new(void **) {
    tt_generator *kept = open_generator(), *fresh = open_generator();
    tt_generated generated;
    char *first = write_behind(kept, long_prompt, 12, &generated);
    assert_int_equal(generated.stop, TT_STOP_LIMIT);
    assert_int_equal(generated.written_tokens, 12);
    assert_int_equal(generated.reused_tokens, 0);
    char *second_prompt = tt_format(NULL, "%s And then?", long_prompt);
    assert_non_null(second_prompt);
    char *second = write_behind(kept, second_prompt, 12, &generated);
    assert_true(generated.reused_tokens + 12 > generated.prompt_tokens);
    char *expected = write_behind(fresh, second_prompt, 12, &generated);
    assert_string_equal(second, expected);
    /* The very same prompt again: at least the last token is computed, or there would be no logits. */
    char *repeated = write_behind(kept, second_prompt, 12, &generated);
    assert_int_equal(generated.reused_tokens, generated.prompt_tokens - 1);
    assert_string_equal(repeated, expected);
    /* A prompt that is the beginning of what is known. */
    char *shorter = write_behind(kept, long_prompt, 12, &generated);
    assert_string_equal(shorter, first);
    free(first), free(second), free(expected), free(repeated), free(shorter), free(second_prompt);
    tt_generator_close(kept);
    tt_generator_close(fresh);
}

static void steered_text_differs(void **) {
    tt_generator *generator = open_generator();
    tt_generated generated;
    float **rows = make_rows(1);
    char *plain = write_behind(generator, long_prompt, 24, &generated);
    steer(generator, rows);
    char *steered = write_behind(generator, long_prompt, 24, &generated);
    assert_string_not_equal(plain, steered);
    free_rows(rows);
    free(plain), free(steered);
    tt_generator_close(generator);
}

static void a_full_context_ends_the_text(void **) {
    tt_generator *generator = open_generator();
    tt_generated generated;
    free(write_behind(generator, long_prompt, -1, &generated));
    assert_int_equal(generated.stop, TT_STOP_CONTEXT);
    /* The last token needs no room: nothing is computed behind it. */
    assert_int_equal(generated.prompt_tokens + generated.written_tokens, tt_generator_context(generator) + 1);
    /* And it can be gone on with. */
    free(write_behind(generator, long_prompt, 3, &generated));
    assert_int_equal(generated.written_tokens, 3);
    tt_generator_close(generator);
}

static void a_prompt_that_does_not_fit_is_refused(void **) {
    tt_generator *generator = open_generator();
    tt_text text = {0};
    for (int i = 0; i < CONTEXT; i++) tt_text_add(&text, "word ");
    tt_tokens tokens = tokens_of(text.data);
    tt_error err = {0};
    assert_false(tt_generator_read(generator, &tokens, NULL, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_non_null(strstr(err.message, "-c"));
    tokens.count = 0;
    assert_false(tt_generator_read(generator, &tokens, NULL, &err));
    assert_non_null(strstr(err.message, "empty"));
    int32_t foreign = (int32_t)vocabulary;
    assert_false(tt_generator_read(generator, &(tt_tokens){&foreign, 1}, NULL, &err));
    tt_tokens_free(&tokens);
    tt_text_free(&text);
    tt_generator_close(generator);
}

static void nothing_is_written_where_nothing_is_asked_for(void **) {
    tt_generator *generator = open_generator();
    tt_generated generated;
    char *text = write_behind(generator, "Hello", 0, &generated);
    assert_string_equal(text, "");
    assert_int_equal(generated.written_tokens, 0);
    assert_int_equal(generated.stop, TT_STOP_LIMIT);
    free(text);
    tt_generator_close(generator);
}

/* ==== Cancelling ==== */

struct cancelling {
    int pieces;
    atomic_bool cancel;
};

static bool cancel_after_five(const char *, size_t, void *user_data) {
    struct cancelling *state = user_data;
    if (++state->pieces == 5) atomic_store(&state->cancel, true);
    return true;
}

static void a_cancelled_text_can_be_gone_on_with(void **) {
    tt_generator *generator = open_generator();
    struct cancelling state = {0};
    tt_sampling sampling = tt_sampling_defaults();
    sampling.temperature = 0;
    sampling.ignore_end = true;
    tt_sampler *sampler = tt_sampler_open(tiny.model, &sampling, NULL);
    tt_tokens prompt = tokens_of(long_prompt);
    tt_generated generated;
    const tt_generation generation = {
        .reading = {.cancel = &state.cancel}, .limit = 50, .on_text = cancel_after_five, .user_data = &state};
    tt_error err = {0};
    assert_true(tt_generator_run(generator, &prompt, sampler, &generation, &generated, &err));
    assert_int_equal(generated.stop, TT_STOP_CALLER);
    assert_true(generated.written_tokens >= 5 && generated.written_tokens < 50);
    tt_sampler_close(sampler);

    char *after = write_behind(generator, long_prompt, 10, &generated);
    tt_generator *fresh = open_generator();
    char *expected = write_behind(fresh, long_prompt, 10, &generated);
    assert_string_equal(after, expected);
    free(after), free(expected);

    /* While the prompt is read. */
    tt_generator *third = open_generator();
    atomic_store(&state.cancel, true);
    assert_false(tt_generator_read(third, &prompt, &generation.reading, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    tt_tokens_free(&prompt);
    tt_generator_close(generator);
    tt_generator_close(fresh);
    tt_generator_close(third);
}

static bool stop_at_once(const char *, size_t, void *) { return false; }

static void count_progress(size_t done, size_t total, void *user_data) {
    assert_true(done <= total);
    ++*(int *)user_data;
}

static void the_caller_may_stop_and_sees_progress(void **) {
    tt_generator *generator = open_generator();
    tt_sampling sampling = tt_sampling_defaults();
    sampling.ignore_end = true;
    tt_sampler *sampler = tt_sampler_open(tiny.model, &sampling, NULL);
    tt_tokens prompt = tokens_of(long_prompt);
    int calls = 0;
    const tt_generation generation = {
        .reading = {.on_progress = count_progress, .user_data = &calls}, .limit = 50, .on_text = stop_at_once};
    tt_generated generated;
    assert_true(tt_generator_run(generator, &prompt, sampler, &generation, &generated, NULL));
    assert_int_equal(generated.stop, TT_STOP_CALLER);
    assert_true(generated.written_tokens < 50);
    assert_int_equal(calls, (int)((prompt.count + 31) / 32) + 1); /* one before each micro-batch of 32, and one at the end */
    tt_sampler_close(sampler);
    tt_tokens_free(&prompt);
    tt_generator_close(generator);
}

/* ==== Pieces ==== */

static void expect_pieces(const char *bytes, size_t count, const char *expected) {
    tt_pieces pieces = {0};
    tt_text text = {0};
    size_t length;
    for (size_t i = 0; i < count; i++) {
        const char *piece = tt_pieces_add_bytes(&pieces, bytes + i, 1, &length, NULL);
        assert_true(tt_utf8_valid(piece, length, NULL));
        tt_text_add_bytes(&text, piece, length);
    }
    const char *rest = tt_pieces_end(&pieces, &length, NULL);
    tt_text_add_bytes(&text, rest, length);
    assert_string_equal(text.data, expected);
    tt_text_clear(&text);
    /* The same in one go. */
    const char *whole = tt_pieces_add_bytes(&pieces, bytes, count, &length, NULL);
    tt_text_add_bytes(&text, whole, length);
    rest = tt_pieces_end(&pieces, &length, NULL);
    tt_text_add_bytes(&text, rest, length);
    assert_string_equal(text.data, expected);
    tt_text_free(&text);
    tt_pieces_free(&pieces);
}

#define EXPECT_PIECES(bytes, expected) expect_pieces(bytes, sizeof(bytes) - 1, expected)
#define FFFD "\xEF\xBF\xBD"

static void pieces_are_whole_characters(void **) {
    EXPECT_PIECES("plain", "plain");
    EXPECT_PIECES("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x9A\xA2!", "na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x9A\xA2!");
    EXPECT_PIECES("cut \xF0\x9F\x9A", "cut " FFFD);
    EXPECT_PIECES("\xF0\x9F"
                  "a",
                  FFFD "a");
    EXPECT_PIECES("\x80"
                  "a\xFF",
                  FFFD "a" FFFD);
    EXPECT_PIECES("\xE2\x82\xE2\x82\xAC", FFFD "\xE2\x82\xAC");
    EXPECT_PIECES("\xED\xA0\x80", FFFD FFFD FFFD);          /* a surrogate */
    EXPECT_PIECES("\xC0\xAF", FFFD FFFD);                   /* overlong */
    EXPECT_PIECES("\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD); /* beyond U+10FFFF */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steering_moves_the_logits_and_can_be_taken_off),
        cmocka_unit_test(empty_and_zero_rows_change_nothing),
        cmocka_unit_test(every_row_arrives),
        cmocka_unit_test(a_row_for_block_0_has_no_effect),
        cmocka_unit_test(same_steering_keeps_the_cache),
        cmocka_unit_test(steering_to_infinity_is_told),
        cmocka_unit_test(a_conversation_computes_only_what_is_new),
        cmocka_unit_test(steered_text_differs),
        cmocka_unit_test(a_full_context_ends_the_text),
        cmocka_unit_test(a_prompt_that_does_not_fit_is_refused),
        cmocka_unit_test(nothing_is_written_where_nothing_is_asked_for),
        cmocka_unit_test(a_cancelled_text_can_be_gone_on_with),
        cmocka_unit_test(the_caller_may_stop_and_sees_progress),
        cmocka_unit_test(pieces_are_whole_characters),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
