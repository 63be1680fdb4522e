/* test_figures.c: the formulas of an evaluation, against what is computed by hand; and what they are drawn with. */
#include "base/random.h"
#include "draw/chart.h"
#include "evaluate/figures.h"
#include "evaluate/sweep.h"
#include "prompts/axis.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tt_evaluate_options options_of(size_t samples) {
    tt_evaluate_options options = tt_evaluate_defaults();
    options.samples = samples;
    options.resamples = 200;
    return options;
}

/* ==== The formulas, by hand ==== */

enum { HAND = 2 };

static tt_reading reading(double score, double own, double positive, double other) {
    return (tt_reading){.tokens = 10,
                        .score = score,
                        .own = own,
                        .asked = {-INFINITY, positive},
                        .other = other,
                        .distinct = {0.8, 1},
                        .repetition = 0.1,
                        .text = "It rained."};
}

static void figures_are_as_by_hand(void **state) {
    (void)state;
    const tt_reading unsteered[HAND] = {reading(1, -10, -INFINITY, -14), reading(3, -20, -INFINITY, -22)};
    const tt_reading negative[HAND] = {{.tokens = 10, .own = -30, .asked = {-10, -INFINITY}, .other = -30, .text = ""},
                                       {.tokens = 10, .own = -20, .asked = {-30, -INFINITY}, .other = -20, .text = ""}};
    const tt_reading positive[HAND] = {reading(2, -20, -10, -20), reading(5, -30, -20, -32)};
    tt_reading steered[HAND] = {reading(4, -16, -18, -17), reading(2.5, -40, -30, -42)};
    steered[1].refusal = true;
    const tt_evaluate_options options = options_of(HAND);
    const tt_yardsticks yardsticks = {unsteered, {negative, positive}, HAND, &options};
    tt_way_figures way;
    assert_true(tt_figure_way(&yardsticks, steered, TT_POSITIVE, 2, &way, NULL));
    assert_true(fabs(way.steering.value - (3 - 0.5) / 2) < 1e-12);
    assert_true(fabs(way.wrong_way.value - 0.5) < 1e-12);
    /* The kindest reading: 1.6 and 3 nats a token, of texts asked for 1 and 2. */
    assert_true(fabs(way.perplexities[0] - 1.6) < 1e-12 && fabs(way.perplexities[1] - 3) < 1e-12);
    assert_true(fabs(way.coherence.value - exp((0.6 + 1) / 2)) < 1e-12);
    /* 0.1 and 0.2 nats a token, of 0.4 and 0.2. */
    assert_true(fabs(way.relevance.value - 0.3 / 0.6) < 1e-12);
    assert_true(fabs(way.distinct[0].value - 0.8) < 1e-12 && fabs(way.repetition.value - 0.1) < 1e-12);
    assert_int_equal(way.refusals, 1);
    assert_string_equal(way.texts[1], "It rained.");
    assert_null(way.texts[2]);
    tt_way_free(&way);
    /* Unsteered texts have only the baseline's reading; they are held against both classes' texts: 1 and 2 nats a token of
     * the negative's, 1 and 2 of the positive's. */
    assert_true(tt_figure_way(&yardsticks, unsteered, -1, 0, &way, NULL));
    assert_true(way.steering.value == 0 && isnan(way.wrong_way.value));
    assert_true(fabs(way.coherence.value - 1) < 1e-12 && fabs(way.relevance.value - 1) < 1e-12);
    tt_way_free(&way);
}

static tt_way_figures sound_way(double value, double steering, double coherence, double relevance) {
    return (tt_way_figures){.value = value,
                            .steering = {steering, steering - 1, steering + 1},
                            .coherence = {coherence, coherence, coherence},
                            .relevance = {relevance, relevance, relevance}};
}

static void recommends_the_strongest_sound_value(void **state) {
    (void)state;
    const tt_evaluate_options options = options_of(4);
    tt_way_figures values[] = {sound_way(-4, -2, 1.6, 1),  sound_way(-2, -1, 1.4, 0.6), sound_way(-1, 0.5, 1, 1),
                               sound_way(0, 0, 1, 1),      sound_way(1, 0.1, 1, NAN),   sound_way(2, 1, 1.2, 0.9),
                               sound_way(3, 2, 1.2, 0.45), sound_way(4, -1, 1.2, 1)};
    tt_axis_evaluation axis = {.values = values, .value_count = 8};
    tt_recommend(&axis, &options);
    assert_true(axis.recommended[TT_NEGATIVE] == 2 && axis.recommended[TT_POSITIVE] == 2);
    values[5].repetition.value = 0.3; /* loops */
    tt_recommend(&axis, &options);
    assert_true(axis.recommended[TT_POSITIVE] == 1);
    values[4].refusals = 3; /* of four */
    tt_recommend(&axis, &options);
    assert_true(axis.recommended[TT_POSITIVE] == 0);
    /* Where the model cannot judge, it cannot say which way a value leads. */
    axis.known = 5, axis.known_right = 3;
    assert_false(tt_evaluation_judges(&axis));
    tt_recommend(&axis, &options);
    assert_true(axis.recommended[TT_POSITIVE] == 4);
    axis.known_right = 4;
    assert_true(tt_evaluation_judges(&axis));
}

static void tells_the_share_of_asking(void **state) {
    (void)state;
    const tt_way_figures way = sound_way(2, 3, 1, 1), below = sound_way(-2, -3, 1, 1);
    tt_axis_evaluation axis = {0};
    axis.asked[TT_POSITIVE].steering = (tt_estimate){1.5, 0.5, 2};
    axis.asked[TT_NEGATIVE].steering = (tt_estimate){-0.5, -1, 0.1};
    assert_true(tt_share_of_asking(&axis, &way, TT_POSITIVE) == 2);
    assert_true(isnan(tt_share_of_asking(&axis, &below, TT_NEGATIVE))); /* asking itself may have moved nothing */
}

static void recognises_refusals(void **state) {
    (void)state;
    assert_true(tt_is_refusal("I'm sorry, but I can't assist with that."));
    assert_true(tt_is_refusal(" I\xe2\x80\x99m sorry, but I cannot help with stories."));
    assert_true(tt_is_refusal("As an AI language model, I"));
    assert_false(tt_is_refusal("\"I'm sorry,\" she said, and closed the door."));
    assert_false(tt_is_refusal(""));
}

static void the_sweep_finds_its_ends(void **state) {
    (void)state;
    double next[TT_SWEEP_MORE], sizes[TT_SWEEP_FIRST];
    assert_int_equal(tt_sweep_begin(false, sizes), 4);
    assert_true(sizes[0] == 1 && sizes[3] == 4);
    assert_int_equal(tt_sweep_begin(true, sizes), 3);
    const double tried_sizes[] = {1, 2, 4};
    assert_int_equal(tt_sweep_next(tried_sizes, (const bool[]){true, true, true}, 3, false, next), 2);
    assert_true(next[0] == 6 && next[1] == 8);
    assert_int_equal(tt_sweep_next(tried_sizes, (const bool[]){true, true, true}, 3, true, next), 1);
    assert_true(next[0] == 8);
    assert_int_equal(tt_sweep_next(tried_sizes, (const bool[]){true, true, false}, 3, false, next), 0);
    assert_int_equal(tt_sweep_next(tried_sizes, (const bool[]){false, false, false}, 3, false, next), 2);
    assert_true(next[0] == 0.5 && next[1] == 0.25);
    assert_int_equal(tt_sweep_next((const double[]){1.0 / 16}, (const bool[]){false}, 1, false, next), 0);
    assert_int_equal(tt_sweep_next((const double[]){64}, (const bool[]){true}, 1, false, next), 0);
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
        cmocka_unit_test(figures_are_as_by_hand),
        cmocka_unit_test(recommends_the_strongest_sound_value),
        cmocka_unit_test(tells_the_share_of_asking),
        cmocka_unit_test(recognises_refusals),
        cmocka_unit_test(the_sweep_finds_its_ends),
        cmocka_unit_test(estimates_a_ratio),
        cmocka_unit_test(counts_distinct_grams),
        cmocka_unit_test(charts_have_round_steps),
        cmocka_unit_test(charts_leave_out_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
