/* test_evaluate.c: the figures of an evaluation, on a tiny random model: that they are what they say, not that it writes
 * well. */
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "draw/chart.h"
#include "evaluate/evaluate.h"
#include "evaluate/evaluation_json.h"
#include "support/open_model.h"
#include "support/scratch.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tt_open_model tiny;
static tt_model *model;
static tt_chat *chat;

static int set_up(void **state) {
    (void)state;
    tt_open_model_begin_exact(&tiny, 0);
    model = tiny.model;
    chat = tt_chat_open(model, &(tt_chat_options){.name = "chatml"}, NULL);
    return chat ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    tt_chat_close(chat);
    tt_open_model_end(&tiny);
    return 0;
}

/* An axis' three vectors with random rows; `scale` 0 makes rows of zeros. The sides are each other's opposite. */
struct fixture {
    tt_axis axis;
    tt_vector debias, sides[2];
    tt_evaluate_axis refer;
};

static void make_fixture(struct fixture *fixture, const char *axis, double scale) {
    tt_error err = {0};
    *fixture = (struct fixture){0};
    assert_true(tt_axis_load(&fixture->axis, axis, &err));
    const tt_model_facts *facts = tt_model_facts_of(model);
    float *row = tt_alloc(facts->width, sizeof *row, &err);
    assert_non_null(row);
    assert_true(tt_vector_init(&fixture->debias, facts->blocks, facts->width, &err));
    assert_true(tt_vector_init(&fixture->sides[0], facts->blocks, facts->width, &err));
    assert_true(tt_vector_init(&fixture->sides[1], facts->blocks, facts->width, &err));
    for (uint32_t K = 1; K < facts->blocks; K++) {
        for (uint32_t k = 0; k < facts->width; k++)
            row[k] = (float)tt_random_below(5, tt_random_stream(axis), K, k, 2001) / 1000.0F - 1.0F;
        assert_true(tt_vector_add_row(&fixture->debias, K, row, 0.1 * scale, &err));
        assert_true(tt_vector_add_row(&fixture->sides[0], K, row, -scale, &err));
        assert_true(tt_vector_add_row(&fixture->sides[1], K, row, scale, &err));
    }
    free(row);
    fixture->refer = (tt_evaluate_axis){&fixture->axis, &fixture->debias, {&fixture->sides[0], &fixture->sides[1]}};
}

static void free_fixture(struct fixture *fixture) {
    tt_axis_free(&fixture->axis);
    tt_vector_free(&fixture->debias);
    tt_vector_free(&fixture->sides[0]);
    tt_vector_free(&fixture->sides[1]);
}

static const double tried[] = {-1, -0.5, 0, 0.5, 1};

static tt_evaluate_options options_of(size_t samples) {
    return (tt_evaluate_options){.samples = samples,
                                 .response_tokens = 10,
                                 .free_samples = 2,
                                 .values = tried,
                                 .value_count = 5,
                                 .damage_limit = 0.05,
                                 .resamples = 200,
                                 .plan = {.prompts_per_system = 1, .held_out = 0.1}};
}

/* ==== Figures ==== */

static void zero_vectors_do_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    make_fixture(&fixture, "language", 0);
    const tt_evaluate_options options = options_of(3);
    tt_evaluation evaluation;
    tt_error err = {0};
    assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    const tt_axis_evaluation *axis = &evaluation.axes[0];
    assert_int_equal(axis->value_count, 5);
    for (size_t i = 0; i < axis->value_count; i++) {
        assert_true(fabs(axis->values[i].perplexity.value) < 1e-4);
        for (int class = 0; class < 2; class++)
            assert_true(isnan(axis->values[i].fidelity[class].value) || fabs(axis->values[i].fidelity[class].value) < 1e-3);
        /* and the same is written freely, drawn alike */
        assert_string_equal(axis->values[i].text, axis->unsteered.text);
    }
    tt_evaluation_free(&evaluation);
    free_fixture(&fixture);
}

static void assert_same_estimate(tt_estimate a, tt_estimate b) {
    assert_true(a.value == b.value || (isnan(a.value) && isnan(b.value)));
    assert_true(a.low == b.low || (isnan(a.low) && isnan(b.low)));
    assert_true(a.high == b.high || (isnan(a.high) && isnan(b.high)));
}

/* The file of one axis, read again, has its figures, to the bit. */
static void reads_what_it_writes(const tt_evaluation *evaluation, size_t index) {
    const char *path = scratch_path("evaluation.json");
    const tt_axis_evaluation *axis = &evaluation->axes[index];
    tt_evaluation read;
    tt_error err = {0};
    assert_true(tt_evaluation_write_axis(evaluation, index, path, &err));
    assert_true(tt_evaluation_read(&read, path, &err));
    assert_int_equal(read.axis_count, 1);
    assert_string_equal(read.fingerprint, evaluation->fingerprint);
    assert_true(read.damage_limit == evaluation->damage_limit && read.samples == evaluation->samples);
    const tt_axis_evaluation *again = &read.axes[0];
    assert_string_equal(again->name, axis->name);
    assert_string_equal(again->classes[1], axis->classes[1]);
    assert_int_equal(again->value_count, axis->value_count);
    assert_int_equal(again->block_count, axis->block_count);
    assert_true(axis->block_count > 0 && again->blocks[0].row == axis->blocks[0].row);
    assert_true(again->blocks[0].sides[1] == axis->blocks[0].sides[1]);
    for (size_t i = 0; i < axis->value_count; i++) {
        assert_true(again->values[i].value == axis->values[i].value);
        assert_same_estimate(again->values[i].fidelity[1], axis->values[i].fidelity[1]);
        assert_same_estimate(again->values[i].perplexity, axis->values[i].perplexity);
        assert_same_estimate(again->values[i].repetition, axis->values[i].repetition);
    }
    for (int class = 0; class < 2; class++) {
        assert_true(again->recommended[class] == axis->recommended[class]);
        assert_same_estimate(again->prompt_damage[class], axis->prompt_damage[class]);
    }
    tt_evaluation_free(&read);
    assert_true(tt_file_write(path, "{\"axes\": []}", 12, NULL));
    assert_false(tt_evaluation_read(&read, path, &err));
    assert_non_null(strstr(err.message, "is not what trimtab eval --save writes"));
}

static void vectors_do_something_and_say_how_surely(void **state) {
    (void)state;
    struct fixture fixtures[2];
    make_fixture(&fixtures[0], "language", 0.3);
    make_fixture(&fixtures[1], "storytelling", 0.3);
    const tt_evaluate_axis axes[2] = {fixtures[0].refer, fixtures[1].refer};
    tt_evaluate_options options = options_of(4);
    options.other_axes = true;
    tt_evaluation both, again, one;
    tt_error err = {0};
    assert_true(tt_evaluate(model, chat, axes, 2, &options, &both, &err));
    assert_true(tt_evaluate(model, chat, axes, 2, &options, &again, &err));
    options.other_axes = false;
    assert_true(tt_evaluate(model, chat, axes, 1, &options, &one, &err));
    for (size_t i = 0; i < 5; i++) {
        const tt_value_figures *a = &both.axes[0].values[i], *b = &again.axes[0].values[i], *c = &one.axes[0].values[i];
        assert_true(a->value == tried[i]);
        assert_true(tt_evaluation_at(&both.axes[0], tried[i]) == a);
        assert_true(a->perplexity.value > -1e-6 && !(a->fidelity[0].value > 1) && !(a->fidelity[1].value > 1));
        assert_true(a->perplexity.value == b->perplexity.value && a->perplexity.low == b->perplexity.low);
        assert_string_equal(a->text, b->text);
        /* An axis' figures do not depend on what else is evaluated. */
        assert_true(fabs(a->perplexity.value - c->perplexity.value) < 1e-4);
        assert_true(a->perplexity.low <= a->perplexity.value && a->perplexity.value <= a->perplexity.high);
        assert_true(a->distinct[1].value > 0 && a->distinct[1].value <= 1);
        assert_true(a->distinct[1].low <= a->distinct[1].value && a->distinct[1].value <= a->distinct[1].high);
        assert_true(a->repetition.value >= 0 && a->repetition.value < 1);
    }
    /* Random rows of this size are no improvement on what the model itself writes. */
    assert_true(tt_evaluation_at(&both.axes[0], 1)->perplexity.value > 0);
    assert_non_null(both.axes[1].others[0]);
    assert_null(one.axes[0].others[0]);
    assert_true(fabs(both.similarity[0] - 1) < 1e-6 && fabs(both.similarity[1]) < 0.5);
    assert_true(both.similarity[1] == both.similarity[2]);
    reads_what_it_writes(&both, 1);
    tt_evaluation_free(&both);
    tt_evaluation_free(&again);
    tt_evaluation_free(&one);
    free_fixture(&fixtures[0]);
    free_fixture(&fixtures[1]);
}

/* ==== Statistics ==== */

static void estimates_a_ratio(void **state) {
    (void)state;
    enum { N = 400 };
    double above[N], below[N];
    for (size_t i = 0; i < N; i++) {
        below[i] = 1 + (double)tt_random_below(1, 2, i, 0, 1000) / 1000;
        above[i] = 0.5 * below[i] + (double)tt_random_below(1, 2, i, 1, 2001) / 1000 - 1;
    }
    tt_estimate estimate, again, few;
    assert_true(tt_estimate_ratio(above, below, N, 2000, 9, &estimate, NULL));
    assert_true(tt_estimate_ratio(above, below, N, 2000, 9, &again, NULL));
    assert_true(estimate.low < estimate.value && estimate.value < estimate.high);
    assert_true(estimate.low == again.low && estimate.high == again.high);
    /* The noise is uniform in [-1, 1], its deviation 1 / sqrt(3): the interval is about 2 x 1.96 of it / (sqrt(N) 1.5) wide.
     */
    assert_true(fabs((estimate.high - estimate.low) - 2 * 1.96 / sqrt(3.0 * N) / 1.5) < 0.015);
    assert_true(estimate.low < 0.5 && 0.5 < estimate.high);
    assert_true(tt_estimate_ratio(above, below, 25, 2000, 9, &few, NULL));
    assert_true(few.high - few.low > 2 * (estimate.high - estimate.low));
    /* Nothing to divide by. */
    for (size_t i = 0; i < N; i++) below[i] = -below[i];
    assert_true(tt_estimate_ratio(above, below, N, 100, 9, &estimate, NULL));
    assert_true(isnan(estimate.value) && isnan(estimate.low) && isnan(estimate.high));
}

static void counts_distinct_grams(void **state) {
    (void)state;
    const int32_t tokens[] = {1, 2, 1, 2, 3};
    assert_true(tt_distinct_share(tokens, 5, 1) == 3.0 / 5);
    assert_true(tt_distinct_share(tokens, 5, 2) == 3.0 / 4);
    assert_true(tt_distinct_share(tokens, 5, 5) == 1);
    assert_true(tt_distinct_share(tokens, 2, 4) == 1);
    assert_true(tt_distinct_share(tokens, 0, 1) == 1);
}

/* ==== Refusals ==== */

static void refuses_what_cannot_be_evaluated(void **state) {
    (void)state;
    struct fixture fixture;
    make_fixture(&fixture, "language", 0.1);
    tt_evaluation evaluation;
    tt_error err = {0};
    tt_evaluate_options options = options_of(2);
    options.plan.held_out = 0;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "held out"));
    options = options_of(0);
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);

    options = options_of(2);
    assert_true(tt_vector_set(&fixture.sides[0].fingerprint, "another", NULL));
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "is for another model"));
    assert_true(tt_vector_set(&fixture.sides[0].fingerprint, "", NULL));
    /* What an architecture is called is a hint, unless the file knows its model by the fingerprint. */
    assert_true(tt_vector_set(&fixture.debias.architecture, "gemma3", NULL));
    assert_true(tt_vector_set(&fixture.debias.fingerprint, tt_model_facts_of(model)->fingerprint, NULL));
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "gemma3"));
    assert_true(tt_vector_set(&fixture.debias.architecture, "", NULL));
    assert_true(tt_vector_set(&fixture.debias.fingerprint, "", NULL));
    fixture.debias.width--;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "hidden size"));
    fixture.debias.width++;

    const atomic_bool cancel = true;
    options.cancel = &cancel;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    assert_null(evaluation.axes);
    free_fixture(&fixture);
}

/* ==== Charts ==== */

static void charts_have_round_steps(void **state) {
    (void)state;
    assert_true(fabs(tt_chart_step(10, 4) - 2) < 1e-12);
    assert_true(fabs(tt_chart_step(1, 4) - 0.2) < 1e-12);
    assert_true(fabs(tt_chart_step(0.3, 4) - 0.05) < 1e-12);
    assert_true(fabs(tt_chart_step(4e6, 4) - 1e6) < 1e-6);
}

static void charts_leave_out_what_is_not_known(void **state) {
    (void)state;
    const double xs[3] = {-1, 0, 1}, ys[3] = {1, NAN, 3};
    const tt_chart_line line = {"a < b & c", "#123456", ys, ys, ys, false};
    const tt_chart charts[2] = {{"both", "value", xs, 3, &line, 1}, {"none", "value", NULL, 0, NULL, 0}};
    char *svg = tt_chart_svg(charts, 2, NULL);
    assert_non_null(svg);
    assert_non_null(strstr(svg, "a &lt; b &amp; c"));
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    free(svg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_vectors_do_nothing),
        cmocka_unit_test(vectors_do_something_and_say_how_surely),
        cmocka_unit_test(estimates_a_ratio),
        cmocka_unit_test(counts_distinct_grams),
        cmocka_unit_test(charts_have_round_steps),
        cmocka_unit_test(charts_leave_out_what_is_not_known),
        cmocka_unit_test(refuses_what_cannot_be_evaluated),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
