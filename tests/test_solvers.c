/* test_solvers.c: every solver of the directions room against an independent reference, and Lanczos against the whole
 * spectrum. */
#include "directions/direction.h"
#include "support/planted.h"
#include "support/reference_direction.h"

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const tt_solver solvers[] = {TT_SOLVER_DENSE, TT_SOLVER_REDUCED, TT_SOLVER_LANCZOS, TT_SOLVER_AUTO};
enum { SOLVERS = sizeof solvers / sizeof *solvers };

/* ==== Against the reference ==== */

static void assert_as_reference(const planted *data, tt_solver solver, const reference_direction *expected,
                                const char *what) {
    tt_direction direction = find_direction(data, TT_METHOD_CROSS_COVARIANCE, solver);
    if (direction.found != expected->found || direction.kept != expected->kept || direction.accepted != expected->accepted)
        fail_msg("%s, %s, %zu x %zu: found %d kept %zu accepted %zu, expected %d %zu %zu", what, tt_solver_names[solver],
                 data->N, data->d, direction.found, direction.kept, direction.accepted, expected->found, expected->kept,
                 expected->accepted);
    if (direction.found) {
        double dot = 0;
        for (size_t j = 0; j < data->d; j++) dot += direction.unit[j] * expected->unit[j];
        if (!(dot >= 0.999999))
            fail_msg("%s, %s, %zu x %zu: cosine %.9f", what, tt_solver_names[solver], data->N, data->d, dot);
        const double scale = fabs(expected->means[0]) + fabs(expected->means[1]) + 1e-30;
        for (int side = 0; side < 2; side++) {
            assert_near(direction.means[side] / scale, expected->means[side] / scale, 1e-4);
            assert_near(direction.deviations[side] / scale, expected->deviations[side] / scale, 1e-4);
        }
        assert_near(direction.middle / scale, expected->middle / scale, 1e-4);
        assert_near(direction.variance_reduction, expected->variance_reduction, 1e-4);
        if (expected->ratio < 1e6) assert_near(direction.discriminant_ratio / expected->ratio, 1, 1e-3);
    }
    tt_direction_free(&direction);
}

static void all_as_reference(const planted *data, const char *what) {
    reference_direction expected = reference_direction_find(data->A, data->B, data->N, data->d, 0.5);
    for (int s = 0; s < SOLVERS; s++) assert_as_reference(data, solvers[s], &expected, what);
    free(expected.unit);
}

static void every_solver_agrees_with_the_reference(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{2, 1},   {5, 1},   {2, 2},   {2, 40},  {3, 7},   {10, 30},
                                      {30, 10}, {25, 50}, {26, 50}, {24, 50}, {64, 64}, {20, 90}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint64_t seed = 10; seed < 14; seed++) {
            planted data = planted_noise(sizes[i][0], sizes[i][1], 1, seed);
            planted_shift(&data, data.d / 2, -1.2, 1.7);
            planted_shift(&data, data.d / 3, 2.5, 0.3);
            all_as_reference(&data, "planted");
            planted_free(&data);
        }
}

/* Hidden states have a few dimensions that are hundreds of times larger than the others. */
static void a_few_huge_dimensions_hide_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 20; seed < 23; seed++) {
        planted data = planted_noise(50, 70, 0.01, seed);
        for (size_t i = 0; i < data.N; i++) {
            data.A[i * data.d + 3] *= 5000, data.B[i * data.d + 3] *= 3000;
            data.A[i * data.d + 4] *= 100, data.B[i * data.d + 4] *= 200;
        }
        planted_shift(&data, 3, 400, 400);
        planted_shift(&data, 30, -0.05, 0.05);
        all_as_reference(&data, "huge dimensions");
        planted_free(&data);
    }
}

static void dependent_and_repeated_samples_are_no_trouble(void **state) {
    (void)state;
    for (uint64_t seed = 30; seed < 33; seed++) {
        planted data = planted_noise(20, 60, 1, seed);
        planted_shift(&data, 5, -2, 2);
        for (size_t i = 10; i < 20; i++) { /* the second half repeats the first */
            memcpy(data.A + i * data.d, data.A + (i - 10) * data.d, data.d * sizeof(float));
            memcpy(data.B + i * data.d, data.B + (i - 10) * data.d, data.d * sizeof(float));
        }
        all_as_reference(&data, "repeated");
        memset(data.A + 3 * data.d, 0, data.d * sizeof(float)); /* a row of zeros */
        for (size_t j = 0; j < data.d; j++) data.B[4 * data.d + j] = 2 * data.A[6 * data.d + j];
        all_as_reference(&data, "dependent");
        planted_free(&data);
    }
}

/* ==== Lanczos ==== */

/* Lanczos must not just hand the work on, and must find what the whole spectrum has. */
static void assert_lanczos_agrees(const planted *data, const char *what) {
    tt_direction dense = find_direction(data, TT_METHOD_CROSS_COVARIANCE, TT_SOLVER_DENSE);
    tt_direction lanczos = find_direction(data, TT_METHOD_CROSS_COVARIANCE, TT_SOLVER_LANCZOS);
    if (lanczos.solver != TT_SOLVER_LANCZOS) fail_msg("%s: lanczos gave up", what);
    if (lanczos.kept != dense.kept || lanczos.accepted != dense.accepted)
        fail_msg("%s: kept %zu, accepted %zu; expected %zu, %zu", what, lanczos.kept, lanczos.accepted, dense.kept,
                 dense.accepted);
    if (dense.found && !(cosine_of(dense.unit, lanczos.unit, data->d) > 0.99999))
        fail_msg("%s: cosine %.9f", what, cosine_of(dense.unit, lanczos.unit, data->d));
    assert_true(lanczos.eigenpairs < 20);
    tt_direction_free(&dense);
    tt_direction_free(&lanczos);
}

static void lanczos_finds_what_the_whole_spectrum_has(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{150, 600}, {200, 600}, {300, 600}, {900, 300}};
    static const double tails[] = {0, 0.5, 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint64_t t = 0; t < 3; t++) {
            planted data = planted_noise(sizes[i][0], sizes[i][1], 1, 80 + 3 * i + t);
            planted_shift(&data, 20, -2, 2);
            planted_shift(&data, 3, 1, 4);
            planted_shift(&data, data.d / 2, 3, 3);
            planted_tail(&data, tails[t]);
            char what[100];
            snprintf(what, sizeof what, "%zu x %zu, tail %g", data.N, data.d, tails[t]);
            assert_lanczos_agrees(&data, what);
            planted_free(&data);
        }
}

/* An eigenvector from the midst of the spectrum: a column of its own, orthogonal to all the others in both classes, with a
 * hundredth of the usual energy. Neither end of the spectrum comes near it. */
static void lanczos_finds_an_eigenvector_amid_the_others(void **state) {
    (void)state;
    planted data = planted_noise(300, 600, 1, 83);
    const size_t column = 77;
    for (size_t i = 0; i < data.N; i++) {
        /* The sign alternates from sample to sample, and each pair of samples is the same in all other columns. */
        const float wobble = i % 2 ? 0.02F : -0.02F;
        if (i % 2) {
            memcpy(data.A + i * data.d, data.A + (i - 1) * data.d, data.d * sizeof(float));
            memcpy(data.B + i * data.d, data.B + (i - 1) * data.d, data.d * sizeof(float));
        }
        data.A[i * data.d + column] = -0.1F + wobble;
        data.B[i * data.d + column] = 0.1F - wobble;
    }
    /* Take out the means of all else, so that the constant part of the column is orthogonal to it too. */
    for (size_t j = 0; j < data.d; j++) {
        double mean_a = 0, mean_b = 0;
        for (size_t i = 0; i < data.N; i++) mean_a += data.A[i * data.d + j], mean_b += data.B[i * data.d + j];
        for (size_t i = 0; i < data.N && j != column; i++) {
            data.A[i * data.d + j] -= (float)(mean_a / (double)data.N);
            data.B[i * data.d + j] -= (float)(mean_b / (double)data.N);
        }
    }
    for (int s = 0; s < SOLVERS; s++) {
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        assert_true(direction.found);
        assert_int_equal(direction.kept, 1);
        assert_true(solvers[s] != TT_SOLVER_LANCZOS || direction.solver == TT_SOLVER_LANCZOS);
        assert_near(direction.unit[column], 1, 1e-4);
        assert_near(direction.discriminant_ratio, 25, 0.1); /* (0.1 / 0.02)^2 */
        tt_direction_free(&direction);
    }
    planted_free(&data);
}

/* ==== Side by side ==== */

static void *solve_in_a_thread(void *argument) {
    const planted *data = argument;
    tt_direction *direction = calloc(1, sizeof *direction);
    for (int i = 0; direction && i < 4; i++) {
        tt_direction_free(direction);
        const tt_direction_options options = {.solver = solvers[i], .tolerance = 0.5, .threads = 1};
        if (!tt_direction_find(data->A, data->B, data->N, data->d, &options, direction, NULL)) break;
    }
    return direction;
}

static void solves_side_by_side_give_the_same_bytes(void **state) {
    (void)state;
    enum { THREADS = 4 };
    planted data = planted_noise(120, 300, 1, 90);
    planted_shift(&data, 20, -2, 2);
    pthread_t threads[THREADS];
    tt_direction *directions[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, solve_in_a_thread, &data), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        directions[i] = result;
    }
    for (int i = 0; i < THREADS; i++) {
        assert_true(directions[i] && directions[i]->found);
        assert_memory_equal(directions[i]->unit, directions[0]->unit, data.d * sizeof(float));
    }
    for (int i = 0; i < THREADS; i++) {
        tt_direction_free(directions[i]);
        free(directions[i]);
    }
    planted_free(&data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_solver_agrees_with_the_reference),
        cmocka_unit_test(a_few_huge_dimensions_hide_nothing),
        cmocka_unit_test(dependent_and_repeated_samples_are_no_trouble),
        cmocka_unit_test(lanczos_finds_what_the_whole_spectrum_has),
        cmocka_unit_test(lanczos_finds_an_eigenvector_amid_the_others),
        cmocka_unit_test(solves_side_by_side_give_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
