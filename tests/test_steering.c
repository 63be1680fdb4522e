/* test_steering.c: what steers a token: its checks, its equality, and what it does to a hidden state. */
#include "apply/steering.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct tt_open_model tiny;
static uint32_t blocks, width;

static int begin(void **) {
    tt_open_model_begin(&tiny, NULL);
    blocks = tt_model_facts_of(tiny.model)->blocks;
    width = tt_model_facts_of(tiny.model)->width;
    return 0;
}

static int end(void **) {
    tt_open_model_end(&tiny);
    return 0;
}

/* Terms that have `value` in every place of row K (none where K is 0) and nothing elsewhere. */
static tt_steering *make(size_t term_count, uint32_t K, float value) {
    float *row = malloc(width * sizeof *row), **rows = calloc(blocks, sizeof *rows);
    assert_non_null(row);
    assert_non_null(rows);
    for (uint32_t i = 0; i < width; i++) row[i] = value;
    if (K) rows[K] = row;
    const tt_steering_term term = {.rows = rows, .row_count = blocks, .width = width}, terms[] = {term, term};
    tt_steering *steering = tt_steering_make(tiny.model, terms, term_count, NULL);
    assert_non_null(steering);
    memset(row, 0, width * sizeof *row); /* nothing of it is looked at any more */
    free(row);
    free(rows);
    return steering;
}

static void refused(uint32_t row_count, uint32_t row_width, float value, const char *why) {
    tt_error err = {0};
    float *row = calloc(width + 1, sizeof *row), **rows = calloc(blocks + 1, sizeof *rows);
    assert_non_null(row);
    assert_non_null(rows);
    row[width - 1] = value;
    rows[1] = row;
    const tt_vector vector = {.rows = rows, .layer_count = row_count, .width = row_width};
    assert_null(tt_steering_of_vector(tiny.model, &vector, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_non_null(strstr(err.message, why));
    free(row);
    free(rows);
}

static void what_does_not_fit_is_refused(void **) {
    refused(blocks + 1, width, 1, "does not fit");
    refused(blocks, width + 1, 1, "does not fit");
    refused(blocks, width, INFINITY, "too strong");
    refused(blocks, width, NAN, "too strong");
}

static void equal_where_it_does_the_same(void **) {
    tt_steering *none = make(0, 0, 0), *zeros = make(1, 1, 0), *one = make(1, 1, 0.5F), *same = make(1, 1, 0.5F),
                *elsewhere = make(1, 2, 0.5F), *other = make(1, 1, 0.25F), *twice = make(2, 1, 0.5F);
    assert_true(tt_steering_equal(NULL, NULL));
    assert_true(tt_steering_equal(none, NULL));
    assert_true(tt_steering_equal(NULL, zeros));
    assert_true(tt_steering_equal(none, zeros));
    assert_true(tt_steering_equal(one, same));
    tt_steering *const different[] = {NULL, none, zeros, elsewhere, other, twice};
    for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
        assert_false(tt_steering_equal(one, different[i]));
        assert_false(tt_steering_equal(different[i], one));
    }
    tt_steering *const all[] = {none, zeros, one, same, elsewhere, other, twice};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) tt_steering_release(all[i]);
}

/* Every term acts, in its block alone. */
static void terms_act_on_their_blocks(void **) {
    tt_steering *twice = make(2, 2, 0.5F), *zeros = make(1, 1, 0);
    float *h = calloc(width, sizeof *h);
    assert_non_null(h);
    for (uint32_t K = 0; K < blocks; K++) {
        for (uint32_t i = 0; i < width; i++) h[i] = (float)i;
        tt_steering_apply(twice, K, h);
        assert_int_equal(tt_steering_acts(twice, K), K == 2);
        for (uint32_t i = 0; i < width; i++) assert_true(h[i] == (float)i + (K == 2 ? 1.0F : 0.0F));
    }
    assert_true(tt_steering_acts_at_all(twice));
    assert_false(tt_steering_acts_at_all(zeros));
    assert_false(tt_steering_acts_at_all(NULL));
    assert_true(tt_steering_is_constant(twice));
    assert_true(tt_steering_is_constant(NULL));
    free(h);
    tt_steering_release(twice);
    tt_steering_release(zeros);
}

static void lives_as_long_as_it_is_held(void **) {
    tt_steering *steering = make(1, 1, 1);
    assert_ptr_equal(tt_steering_hold(steering), steering);
    tt_steering_release(steering);
    assert_true(tt_steering_acts(steering, 1));
    tt_steering_release(steering);
    assert_null(tt_steering_hold(NULL));
    tt_steering_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(equal_where_it_does_the_same),
        cmocka_unit_test(terms_act_on_their_blocks),
        cmocka_unit_test(lives_as_long_as_it_is_held),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
