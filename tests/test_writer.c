/* test_writer.c: a text in the making: limits, stop texts, reports, and logits that are no numbers; and the likeliest
 * tokens. */
#include "base/memory.h"
#include "base/random.h"
#include "model/largest.h"
#include "model/writer.h"
#include "server/answer.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct tt_open_model tiny;
static uint32_t vocabulary;
static float *logits;
static tt_tokens letters; /* of "abcabc" */

static int begin(void **) {
    tt_open_model_begin(&tiny, NULL);
    vocabulary = tt_model_facts_of(tiny.model)->vocabulary;
    logits = calloc(vocabulary, sizeof *logits);
    return logits && tt_tokenize(tiny.model, "abcabc", 6, &letters, NULL) ? 0 : -1;
}

static int end(void **) {
    free(logits);
    tt_tokens_free(&letters);
    tt_open_model_end(&tiny);
    return 0;
}

static tt_sampler *greedy(void) {
    tt_sampling sampling = tt_sampling_defaults();
    sampling.temperature = 0;
    sampling.repeat_penalty = 1;
    tt_sampler *sampler = tt_sampler_open(tiny.model, &sampling, NULL);
    assert_non_null(sampler);
    return sampler;
}

/* Writes the letters' tokens, as many as the writer takes. */
static void write_letters(tt_writer *writer) {
    for (size_t i = 0; i < letters.count && writer->finish == TT_FINISH_NOT_YET; i++) {
        memset(logits, 0, vocabulary * sizeof *logits);
        logits[letters.ids[i]] = 5;
        int32_t token;
        tt_error err = {0};
        if (!tt_writer_choose(writer, logits, &token, &err)) fail_msg("%s", err.message);
        if (writer->written == (int64_t)i + 1) assert_int_equal(token, letters.ids[i]);
        assert_true(writer->told <= writer->text.length);
    }
}

static void expect_text(tt_writing how, const char *text, size_t told, tt_finish finish) {
    tt_sampler *sampler = greedy();
    tt_writer writer = {.model = tiny.model, .how = how, .sampler = sampler};
    write_letters(&writer);
    const char *written = writer.text.data ? writer.text.data : "";
    if (!strstr(written, text)) fail_msg("'%s' is not '%s'", written, text);
    assert_int_equal(strlen(written) - writer.told, strlen(text) - told);
    assert_int_equal(writer.finish, finish);
    tt_writer_free(&writer);
    tt_sampler_close(sampler);
}

static void stops_and_limits(void **) {
    char word[] = "never", cx[] = "cx", ca[] = "ca";
    char *never[] = {word}, *half[] = {cx}, *across[] = {word, ca};
    expect_text((tt_writing){.limit = -1, .top_tokens = -1}, "abcabc", 6, TT_FINISH_NOT_YET);
    expect_text((tt_writing){.limit = -1, .stops = never, .stop_count = 1}, "abcabc", 6, TT_FINISH_NOT_YET);
    expect_text((tt_writing){.limit = -1, .stops = half, .stop_count = 1}, "abcabc", 5, TT_FINISH_NOT_YET); /* "c" waits */
    expect_text((tt_writing){.limit = -1, .stops = across, .stop_count = 2}, "ab", 2, TT_FINISH_STOP);
    expect_text((tt_writing){.limit = (int64_t)letters.count}, "abcabc", 6, TT_FINISH_LENGTH);
    expect_text((tt_writing){.limit = 0}, "", 0, TT_FINISH_LENGTH);
}

static void what_waits_is_told_at_a_cut(void **) {
    tt_sampler *sampler = greedy();
    char cx[] = "cx", *stops[] = {cx};
    tt_writer writer = {.model = tiny.model, .how = {.limit = -1, .stops = stops, .stop_count = 1}, .sampler = sampler};
    write_letters(&writer);
    assert_int_equal(writer.told + 1, writer.text.length);
    assert_true(tt_writer_cut(&writer, NULL));
    assert_int_equal(writer.told, writer.text.length);
    assert_int_equal(writer.finish, TT_FINISH_LENGTH);
    assert_int_equal(writer.report_count, letters.count);
    assert_true(writer.reports[0].log_probability < 0);
    tt_writer_free(&writer);
    tt_sampler_close(sampler);
}

/* The model's fault where it is not steered; the steering's, and so the client's, where it is. */
static void what_is_no_number_has_someone_to_blame(void **) {
    int32_t token;
    tt_sampler *sampler = greedy();
    logits[vocabulary - 1] = NAN;
    for (int steered = 0; steered < 2; steered++) {
        tt_error err = {0};
        tt_writer writer = {.model = tiny.model, .how = {.limit = -1, .top_tokens = -1, .steered = steered}};
        writer.sampler = sampler;
        assert_false(tt_writer_choose(&writer, logits, &token, &err));
        assert_int_equal(err.kind, TT_ERROR_MODEL);
        assert_int_equal(strstr(err.message, "too strongly") != NULL, steered);
        assert_false(tt_answer_choose(&writer, logits, &token, &err));
        assert_int_equal(err.kind, steered ? TT_ERROR_INPUT : TT_ERROR_MODEL);
        tt_refusal refusal = {0};
        tt_refuse_error(&refusal, "", &err);
        assert_int_equal(refusal.status, steered ? 400 : 500);
        tt_writer_free(&writer);
    }
    tt_sampler_close(sampler);
}

/* ==== The likeliest ==== */

static float *sorted_by;

static int by_logit(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    if (sorted_by[x] != sorted_by[y]) return sorted_by[x] > sorted_by[y] ? -1 : 1;
    return x - y;
}

/* Many logits are equal: the smaller token comes first. */
static void the_largest_are_those_of_a_sort(void **) {
    enum { MANY = 1000 };
    static float values[MANY];
    int32_t all[MANY], found[MANY];
    for (int32_t i = 0; i < MANY; i++) {
        values[i] = (float)tt_random_below(3, 1, (uint64_t)i, 0, 200);
        all[i] = i;
    }
    sorted_by = values;
    qsort(all, MANY, sizeof *all, by_logit);
    static const size_t counts[] = {0, 1, 2, 3, 20, 512, MANY};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        tt_largest(values, MANY, found, counts[i]);
        tt_largest_sort(values, found, counts[i]);
        assert_memory_equal(found, all, counts[i] * sizeof *found);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_and_limits),
        cmocka_unit_test(what_waits_is_told_at_a_cut),
        cmocka_unit_test(what_is_no_number_has_someone_to_blame),
        cmocka_unit_test(the_largest_are_those_of_a_sort),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
