/* test_mix_strength.c: how strong a mix may be: the safe scale, the cosines it comes from, and what an evaluation
 * recommends. */
#include "support/blends.h"
#include "support/scratch.h"
#include "support/vector_files.h"
#include "vectors/compare.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

static void test_cosine(void **state) {
    (void)state;
    tt_vector a, b;
    assert_true(tt_vector_init(&a, 3, 2, NULL) && tt_vector_init(&b, 4, 2, NULL));
    const float right[2] = {2, 0}, slope[2] = {3, 3};
    assert_true(tt_vector_add_row(&a, 1, right, 1, NULL) && tt_vector_add_row(&b, 1, slope, 1, NULL));
    assert_true(tt_vector_add_row(&b, 3, right, 1, NULL));
    assert_true(fabs(tt_vector_cosine(&a, &b, 1) - sqrt(0.5)) < 1e-12);
    assert_true(tt_vector_cosine(&a, &b, 2) == 0 && tt_vector_cosine(&a, &b, 3) == 0);
    assert_true(fabs(tt_vector_cosine(&a, &b, 0) - 6 / (2 * sqrt(22))) < 1e-12);
    assert_true(fabs(tt_vector_cosine(&b, &b, 0) - 1) < 1e-12);
    tt_vector_free(&a);
    tt_vector_free(&b);
}

static void test_safe_scale(void **state) {
    (void)state;
    const double same[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, none[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, ones[3] = {1, 1, 1};
    assert_true(fabs(tt_safe_scale(same, ones, 3) - 1.0 / 3) < 1e-12);
    assert_true(fabs(tt_safe_scale(none, ones, 3) - sqrt(1.0 / 3)) < 1e-12);
    const double halves[3] = {0.5, 0.5, 0.5}, uneven[3] = {-0.5, 1, 0};
    assert_true(fabs(tt_safe_scale(none, halves, 3) - sqrt(1.0 / 3)) < 1e-12); /* proportions count, not sizes */
    assert_true(fabs(tt_safe_scale(none, uneven, 3) - 1 / sqrt(1.25)) < 1e-12);
    assert_true(fabs(tt_safe_scale(same, uneven, 3) - 2) < 1e-12); /* they work against each other */
    assert_true(isinf(tt_safe_scale(same, ones, 0)));
}

static void test_strength(void **state) {
    (void)state;
    const char *path = scratch_subfolder("strength");
    const float right[8] = {1}, up[8] = {0, 1};
    const test_axis a = {.folder = path, .axis = "a", .classes = {"a0", "a1"}, .row = right};
    const test_axis b = {.folder = path, .axis = "b", .classes = {"b0", "b1"}, .row = up};
    const test_axis c = {.folder = path, .axis = "c", .classes = {"c0", "c1"}, .row = right};
    test_axis_write(&a);
    test_axis_write(&b);
    test_axis_write(&c);
    tt_catalogue catalogue = test_catalogue_open(path);
    const struct {
        const char *mix;
        double safe;
        bool warned;
    } cases[] = {{"a=0.7,b=0.7", sqrt(0.5), false},
                 {"a=0.8,b=0.8", sqrt(0.5), true},
                 {"a=0.5,c=0.5", 0.5, false},
                 {"a=0.6,c=0.6", 0.5, true},
                 {"a=1,b=0", 1, false},
                 {"a=0.8,b=-0.8", sqrt(0.5), true},
                 {"a=1,c=-0.5", 2, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_blend blend = test_must_blend(cases[i].mix, &catalogue);
        if (fabs(blend.safe_scale - cases[i].safe) > 1e-6) fail_msg("%s: %g", cases[i].mix, blend.safe_scale);
        assert_int_equal(test_has_note(&blend.warnings, "stronger than its safe scale"), cases[i].warned);
        tt_blend_free(&blend);
    }
    tt_blend blend = test_must_blend("a=1,c=1", &catalogue);
    assert_true(
        test_has_note(&blend.warnings, "no value should be above 0.50, and the largest is 1.00; multiply all by 0.50"));
    tt_blend_free(&blend);
    blend = test_must_blend("a=1.5", &catalogue); /* not measured: nothing is known of a limit */
    assert_int_equal(blend.warnings.count, 0);
    tt_blend_free(&blend);
    tt_catalogue_free(&catalogue);
}

/* "max" and shares, of an axis with 0.7 and 1.5, named by itself and by its classes. */
static void shares_are_of_what_is_recommended(const tt_catalogue *catalogue) {
    const struct {
        const char *given, *meant;
    } cases[] = {{"a=max", "a=1.5"},   {"a=-max", "a=-0.7"}, {"a=50%", "a=0.75"}, {"a=-50%", "a=-0.35"},
                 {"a0=max", "a=-0.7"}, {"a1=20%", "a=0.3"},  {"a=0%", "a=0"},     {"a0=-max", "a=1.5"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_mix mix = {0};
        assert_true(tt_mix_parse(&mix, cases[i].given, NULL));
        char *text = tt_mix_text(&mix, catalogue, NULL, NULL);
        assert_string_equal(text, cases[i].meant);
        free(text);
        assert_true(tt_mix_resolve(&mix, catalogue, NULL, NULL));
        assert_false(mix.terms[0].share);
        text = tt_mix_text(&mix, catalogue, NULL, NULL);
        assert_string_equal(text, cases[i].meant);
        free(text);
        tt_mix_free(&mix);
    }
    tt_mix mix = {0};
    tt_error err = {0};
    assert_false(tt_mix_parse(&mix, "a=maximum", &err));
    assert_false(tt_mix_parse(&mix, "a=%", &err));
    assert_false(tt_mix_parse(&mix, "a=", &err));
}

/* Where nothing is recommended there is no share of it. */
static void test_not_measured(void **state) {
    (void)state;
    const char *path = scratch_subfolder("not measured");
    const float right[8] = {1};
    const test_axis a = {.folder = path, .axis = "a", .classes = {"a0", "a1"}, .row = right};
    test_axis_write(&a);
    tt_catalogue catalogue = test_catalogue_open(path);
    const tt_mix_options options = {.catalogue = &catalogue};
    tt_mix mix = {0};
    tt_blend blend;
    tt_error err = {0};
    assert_true(tt_mix_parse(&mix, "a=max", NULL));
    assert_false(tt_mix_blend(&blend, &mix, &options, &err));
    assert_string_equal(err.message,
                        "no value of 'a' is recommended for a1: measure it with trimtab eval --save, or give a number");
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
}

/* What `trimtab eval --save` found is the limit. */
static void test_recommended(void **state) {
    (void)state;
    const char *path = scratch_subfolder("recommended");
    const float right[8] = {1};
    const test_axis a = {.folder = path, .axis = "a", .classes = {"a0", "a1"}, .row = right};
    test_axis_write(&a);
    tt_catalogue before = test_catalogue_open(path);
    for (int file = 0; file < TT_FILES; file++) {
        tt_vector vector;
        assert_true(tt_vector_read(&vector, before.axes[0].paths[file], NULL));
        vector.recommended[0] = 0.7F; /* not a decimal fraction: a little less than 0.7 */
        vector.recommended[1] = 1.5F;
        assert_true(tt_vector_write(&vector, before.axes[0].paths[file], NULL));
        tt_vector_free(&vector);
    }
    tt_catalogue catalogue = test_catalogue_open(path);
    const struct {
        const char *mix, *warning;
    } cases[] = {{"a=1.5", NULL},
                 {"a=1.6", "'a' is set to 1.6; its evaluation recommends 1.5 at most"},
                 {"a0=0.7", NULL},
                 {"a=-0.8", "'a' is set to -0.8; its evaluation recommends 0.7 at most"},
                 {"a=150%", "'a' is set to 2.25; its evaluation recommends 1.5 at most"},
                 {"a=max", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tt_blend blend = test_must_blend(cases[i].mix, &catalogue);
        if (cases[i].warning ? !test_has_note(&blend.warnings, cases[i].warning) : blend.warnings.count != 0)
            fail_msg("%s: %s", cases[i].mix, blend.warnings.count ? blend.warnings.items[0] : "no warning");
        tt_blend_free(&blend);
    }
    shares_are_of_what_is_recommended(&catalogue);
    tt_catalogue_free(&before);
    tt_catalogue_free(&catalogue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine),      cmocka_unit_test(test_safe_scale),   cmocka_unit_test(test_strength),
        cmocka_unit_test(test_recommended), cmocka_unit_test(test_not_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
