/* test_plan.c: the sampling plan: what a sample depends on, that draws are uniform, and that nothing held out is trained on.
 */
#include "base/random.h"
#include "prompts/plan.h"
#include "prompts/stems.h"
#include "support/scratch.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static tt_axis language, optimism, small;

static int set_up(void **state) {
    (void)state;
    static const char three[] =
        "{\"classes\": [\"a\", \"b\"], \"data\": [[\"one\", \"two\"], [\"three\", \"four\"], [\"five\", \"six\"]]}";
    tt_error err = {0};
    if (tt_axis_load(&language, "language", &err) && tt_axis_load(&optimism, "optimism_vs_nihilism", &err) &&
        tt_axis_parse(&small, "small", "small.json", three, sizeof three - 1, &err))
        return 0;
    print_error("%s\n", err.message);
    return -1;
}

static int tear_down(void **state) {
    (void)state;
    tt_axis_free(&language);
    tt_axis_free(&optimism);
    tt_axis_free(&small);
    return 0;
}

static const tt_plan_options defaults = {.seed = 1, .prompts_per_system = 1, .held_out = 0.1};

static tt_plan *plan_of(const tt_axis *axes, size_t count, tt_plan_options options) {
    tt_error err = {0};
    tt_plan *plan = tt_plan_create(axes, count, &options, NULL, &err);
    if (!plan) fail_msg("%s", err.message);
    return plan;
}

static tt_sample sample_of(const tt_plan *plan, tt_split split, size_t index) {
    tt_sample sample;
    tt_error err = {0};
    if (!tt_plan_sample(plan, split, index, &sample, &err)) fail_msg("%s", err.message);
    return sample;
}

static void assert_same(const tt_sample *a, const tt_sample *b, size_t axis_of_b) {
    assert_string_equal(a->baseline, b->baseline);
    assert_string_equal(a->writing_prompt, b->writing_prompt);
    assert_int_equal(a->pair_indices[0], b->pair_indices[axis_of_b]);
    for (int side = 0; side < 2; side++) assert_string_equal(a->systems[0][side], b->systems[axis_of_b][side]);
}

static void a_sample_is_made_as_documented(void **state) {
    (void)state;
    tt_plan *plan = plan_of(&language, 1, defaults);
    tt_sample sample = sample_of(plan, TT_SPLIT_TRAINING, 5);
    const size_t stem = strlen(sample.baseline) - 1;
    assert_int_equal(sample.baseline[stem], '.');
    for (int side = 0; side < 2; side++) {
        char wanted[1024];
        snprintf(wanted, sizeof wanted, "%.*s %s.", (int)stem, sample.baseline,
                 language.pairs[sample.pair_indices[0]].side[side]);
        assert_string_equal(sample.systems[0][side], wanted);
    }
    tt_sample_free(&sample);
    tt_sample_free(&sample); /* harmless */
    tt_plan_free(plan);
    tt_plan_free(NULL);
}

static void samples_do_not_depend_on_other_axes_or_their_order(void **state) {
    (void)state;
    const tt_axis both[2] = {optimism, language}; /* borrowed */
    tt_plan *alone = plan_of(&language, 1, defaults), *together = plan_of(both, 2, defaults);
    for (size_t i = 200; i-- > 0;) {
        tt_sample a = sample_of(alone, TT_SPLIT_TRAINING, i), b = sample_of(together, TT_SPLIT_TRAINING, i);
        assert_same(&a, &b, 1);
        tt_sample_free(&a);
        tt_sample_free(&b);
    }
    tt_plan_free(alone);
    tt_plan_free(together);
}

static void the_seed_changes_samples(void **state) {
    (void)state;
    tt_plan_options other = defaults;
    other.seed = 2;
    tt_plan *a = plan_of(&language, 1, defaults), *b = plan_of(&language, 1, other);
    assert_string_not_equal(tt_plan_hash(a), tt_plan_hash(b));
    size_t same = 0;
    for (size_t i = 0; i < 100; i++) {
        tt_sample left = sample_of(a, TT_SPLIT_TRAINING, i), right = sample_of(b, TT_SPLIT_TRAINING, i);
        same += strcmp(left.writing_prompt, right.writing_prompt) == 0;
        tt_sample_free(&left);
        tt_sample_free(&right);
    }
    assert_int_equal(same, 0);
    tt_plan_free(a);
    tt_plan_free(b);
}

static void a_system_serves_k_prompts(void **state) {
    (void)state;
    tt_plan_options options = defaults;
    options.prompts_per_system = 4;
    tt_plan *plan = plan_of(&language, 1, options);
    size_t changes = 0;
    for (size_t i = 0; i + 1 < 100; i++) {
        tt_sample a = sample_of(plan, TT_SPLIT_TRAINING, i), b = sample_of(plan, TT_SPLIT_TRAINING, i + 1);
        if (i / 4 == (i + 1) / 4) {
            assert_string_equal(a.baseline, b.baseline);
            assert_string_equal(a.systems[0][0], b.systems[0][0]);
            assert_string_not_equal(a.writing_prompt, b.writing_prompt);
        } else {
            changes += strcmp(a.systems[0][0], b.systems[0][0]) != 0;
        }
        tt_sample_free(&a);
        tt_sample_free(&b);
    }
    assert_true(changes >= 23);
    tt_plan_free(plan);
}

/* Counts against a uniform expectation: chi-square with `cells` - 1 degrees of freedom, whose mean is that and whose
 * standard deviation is the root of twice that. Six of those away is once in a billion, and the draws are fixed anyway. */
static void assert_uniform(const size_t *counts, size_t cells, size_t draws) {
    const double expected = (double)draws / (double)cells, freedom = (double)cells - 1;
    double chi_square = 0;
    for (size_t i = 0; i < cells; i++) chi_square += pow((double)counts[i] - expected, 2) / expected;
    assert_true(chi_square < freedom + 6 * sqrt(2 * freedom));
}

static void pairs_are_drawn_uniformly_and_independently(void **state) {
    (void)state;
    enum { DRAWS = 4000, PAIRS = 24 };
    const tt_axis both[2] = {language, optimism}; /* borrowed */
    tt_plan_options options = defaults;
    options.held_out = 0;
    tt_plan *plan = plan_of(both, 2, options);
    assert_int_equal(language.pair_count, PAIRS);
    assert_int_equal(optimism.pair_count, PAIRS);
    size_t single[PAIRS] = {0}, joint[PAIRS * PAIRS] = {0}, successive[PAIRS * PAIRS] = {0};
    size_t before = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        tt_sample sample = sample_of(plan, TT_SPLIT_TRAINING, i);
        single[sample.pair_indices[0]]++;
        joint[sample.pair_indices[0] * PAIRS + sample.pair_indices[1]]++;
        successive[before * PAIRS + sample.pair_indices[0]]++;
        before = sample.pair_indices[0];
        tt_sample_free(&sample);
    }
    assert_uniform(single, PAIRS, DRAWS);
    assert_uniform(joint, (size_t)PAIRS * PAIRS, DRAWS);
    assert_uniform(successive, (size_t)PAIRS * PAIRS, DRAWS);
    tt_plan_free(plan);
}

/* Which half of the built-in stems a baseline ends in. */
static size_t half_of(const tt_phrases *phrases, const char *baseline, bool front) {
    for (size_t i = 0; i < phrases->count; i++) {
        const size_t length = strlen(phrases->list[i]), whole = strlen(baseline) - 1;
        if (length >= whole) continue;
        const char *at = front ? baseline : baseline + whole - length;
        const char edge = front ? baseline[length] : at[-1];
        if (edge == ' ' && strncmp(at, phrases->list[i], length) == 0) {
            /* "an author" also ends "such an author": take the longest. */
            bool longer = false;
            for (size_t j = 0; j < phrases->count; j++) {
                const size_t other = strlen(phrases->list[j]);
                if (other > length && other < whole &&
                    strncmp(front ? baseline : baseline + whole - other, phrases->list[j], other) == 0 &&
                    (front ? baseline[other] : baseline[whole - other - 1]) == ' ')
                    longer = true;
            }
            if (!longer) return i;
        }
    }
    fail_msg("no half of \"%s\" found", baseline);
    return SIZE_MAX;
}

enum { HALVES = 256, KEPT = 600 };

typedef struct seen_items {
    bool pre[HALVES], post[HALVES], pairs[HALVES];
    uint64_t prompts[KEPT];
} seen_items;

static void collect(const tt_plan *plan, tt_split split, const tt_stems *stems, seen_items *seen) {
    for (size_t i = 0; i < KEPT; i++) {
        tt_sample sample = sample_of(plan, split, i);
        seen->pre[half_of(&stems->pre, sample.baseline, true)] = true;
        seen->post[half_of(&stems->post, sample.baseline, false)] = true;
        seen->pairs[sample.pair_indices[0]] = true;
        seen->prompts[i] = tt_random_stream(sample.writing_prompt);
        tt_sample_free(&sample);
    }
}

static void assert_apart(const bool *training, const bool *held_out, size_t expected_held_out) {
    size_t count = 0;
    for (size_t i = 0; i < HALVES; i++) {
        assert_false(training[i] && held_out[i]);
        count += held_out[i];
    }
    assert_int_equal(count, expected_held_out);
}

/* Trained with one seed, evaluated with another: still nothing in common. */
static void held_out_material_is_never_trained_on(void **state) {
    (void)state;
    tt_plan_options other = defaults;
    other.seed = 77;
    tt_plan *trained = plan_of(&language, 1, defaults), *evaluated = plan_of(&language, 1, other);
    tt_stems stems;
    assert_true(tt_stems_load(&stems, NULL, NULL));
    assert_true(stems.pre.count <= HALVES && stems.post.count <= HALVES);
    static seen_items training, held_out;
    collect(trained, TT_SPLIT_TRAINING, &stems, &training);
    collect(evaluated, TT_SPLIT_HELD_OUT, &stems, &held_out);
    assert_apart(training.pre, held_out.pre, (stems.pre.count + 5) / 10);
    assert_apart(training.post, held_out.post, (stems.post.count + 5) / 10);
    assert_apart(training.pairs, held_out.pairs, (language.pair_count + 5) / 10);
    for (size_t i = 0; i < KEPT; i++)
        for (size_t j = 0; j < KEPT; j++) assert_true(training.prompts[i] != held_out.prompts[j]);
    tt_stems_free(&stems);
    tt_plan_free(trained);
    tt_plan_free(evaluated);
}

static void assert_no_held_out(const tt_axis *axis, double share, const char *wanted) {
    tt_plan_options options = defaults;
    options.held_out = share;
    tt_plan *plan = plan_of(axis, 1, options);
    tt_sample sample;
    tt_error err = {0};
    assert_false(tt_plan_sample(plan, TT_SPLIT_HELD_OUT, 0, &sample, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_non_null(strstr(err.message, wanted));
    sample = sample_of(plan, TT_SPLIT_TRAINING, 0);
    tt_sample_free(&sample);
    tt_plan_free(plan);
}

static void a_split_without_material_says_so(void **state) {
    (void)state;
    assert_no_held_out(&language, 0, "first halves of the stems are held out");
    assert_no_held_out(&small, 0.1, "none of the 3 pairs of the axis \"small\" are held out");
}

static void assert_refused(const tt_axis *axes, size_t count, tt_plan_options options, const char *wanted) {
    tt_error err = {0};
    assert_null(tt_plan_create(axes, count, &options, NULL, &err));
    assert_non_null(strstr(err.message, wanted));
    assert_null(tt_plan_create(axes, count, &options, NULL, NULL));
}

static void senseless_plans_are_refused(void **state) {
    (void)state;
    const tt_axis twice[2] = {language, language}; /* borrowed */
    tt_plan_options options = defaults;
    assert_refused(NULL, 0, options, "no axis");
    assert_refused(twice, 2, options, "two axes have the name \"language\"");
    options.prompts_per_system = 0;
    assert_refused(&language, 1, options, "at least 1");
    options = defaults;
    options.held_out = -0.1;
    assert_refused(&language, 1, options, "held-out share of -0.1");
    options.held_out = NAN;
    assert_refused(&language, 1, options, "held-out share");
    options.held_out = 1;
    assert_refused(&language, 1, options, "held-out share of 1 ");
    options.held_out = 0.995;
    assert_refused(&language, 1, options, "leaves none of the ");
    options = defaults;
    options.stems_file = "no/such/stems.json";
    assert_refused(&language, 1, options, "no/such/stems.json");
    options = defaults;
    options.prompts_file = "no/such/prompts.txt";
    assert_refused(&language, 1, options, "no/such/prompts.txt");
}

static void the_hash_covers_what_draws_depend_on(void **state) {
    (void)state;
    tt_plan_options options[] = {defaults, defaults, defaults, defaults, defaults, defaults};
    options[1].seed = 2;
    options[2].prompts_per_system = 2;
    options[3].held_out = 0.2;
    options[4].prompts_file = scratch_text("prompts.txt", "One.\nTwo.\n");
    tt_plan *plans[6];
    for (size_t i = 0; i < 6; i++) plans[i] = plan_of(&language, 1, options[i]);
    for (size_t i = 1; i < 5; i++)
        for (size_t j = 0; j < i; j++) assert_string_not_equal(tt_plan_hash(plans[i]), tt_plan_hash(plans[j]));
    assert_string_equal(tt_plan_hash(plans[0]), tt_plan_hash(plans[5]));
    for (size_t i = 0; i < 6; i++) tt_plan_free(plans[i]);
}

/* Resumed runs, and runs on other machines, must draw what they drew before. When this fails, count up "plan 1" in plan.c.
 */
static void draws_stay_what_they_were(void **state) {
    (void)state;
    tt_plan *plan = plan_of(&small, 1, (tt_plan_options){.seed = 42, .prompts_per_system = 1});
    static const size_t wanted[8] = {1, 1, 2, 0, 1, 1, 2, 2};
    size_t found[8];
    for (size_t i = 0; i < 8; i++) {
        tt_sample sample = sample_of(plan, TT_SPLIT_TRAINING, i);
        found[i] = sample.pair_indices[0];
        tt_sample_free(&sample);
    }
    assert_memory_equal(found, wanted, sizeof found);
    tt_plan_free(plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_made_as_documented),
        cmocka_unit_test(samples_do_not_depend_on_other_axes_or_their_order),
        cmocka_unit_test(the_seed_changes_samples),
        cmocka_unit_test(a_system_serves_k_prompts),
        cmocka_unit_test(pairs_are_drawn_uniformly_and_independently),
        cmocka_unit_test(held_out_material_is_never_trained_on),
        cmocka_unit_test(a_split_without_material_says_so),
        cmocka_unit_test(senseless_plans_are_refused),
        cmocka_unit_test(the_hash_covers_what_draws_depend_on),
        cmocka_unit_test(draws_stay_what_they_were),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
