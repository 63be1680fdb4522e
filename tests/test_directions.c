/* test_directions.c: planted directions with known answers, and the input that breaks such code. test_solvers.c holds the
 * solvers against one another. */
#include "directions/direction.h"
#include "support/planted.h"
#include "support/reference_direction.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const tt_solver solvers[] = {TT_SOLVER_DENSE, TT_SOLVER_REDUCED, TT_SOLVER_LANCZOS, TT_SOLVER_AUTO};
enum { SOLVERS = sizeof solvers / sizeof *solvers };

/* ==== Known answers ==== */

static void opposed_classes_have_a_negative_eigenvalue(void **state) {
    (void)state;
    for (int s = 0; s < SOLVERS; s++) {
        planted data = planted_noise(400, 60, 0.1, 5);
        planted_shift(&data, 7, -3, 3);
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        assert_true(direction.found);
        assert_int_equal(direction.kept, 1);
        assert_int_equal(direction.accepted, 1);
        assert_near(direction.unit[7], 1, 1e-3); /* towards B: positive */
        assert_near(direction.means[0], -3, 0.02);
        assert_near(direction.means[1], 3, 0.02);
        assert_near(direction.middle, 0, 0.02);
        assert_near(direction.deviations[0], 0.1, 0.02);
        assert_near(direction.deviations[1], 0.1, 0.02);
        /* Between: 2 N 3^2. Within: 2 N 0.1^2. */
        assert_near(direction.discriminant_ratio, 900, 100);
        assert_near(direction.variance_reduction, direction.discriminant_ratio / (1 + direction.discriminant_ratio), 1e-9);
        tt_direction_free(&direction);
        planted_free(&data);
    }
}

static void classes_on_one_side_keep_their_middle(void **state) {
    (void)state;
    for (int s = 0; s < SOLVERS; s++) {
        planted data = planted_noise(300, 50, 0.2, 2);
        planted_shift(&data, 11, -5, -2); /* B lies on A's side of the origin, nearer to it */
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        assert_true(direction.found);
        assert_near(fabs((double)direction.unit[11]), 1, 2e-3);
        /* w = mean(b) v points from the origin to B's mean, so B's mean score is positive. */
        assert_near(direction.means[1], 2, 0.05);
        assert_near(direction.means[0], 5, 0.05);
        assert_near(direction.middle, 3.5, 0.05);
        tt_direction_free(&direction);
        planted_free(&data);
    }
}

static void several_directions_are_compounded(void **state) {
    (void)state;
    for (int s = 0; s < SOLVERS; s++) {
        planted data = planted_noise(500, 40, 1, 3);
        planted_shift(&data, 2, -2, 2);
        planted_shift(&data, 5, 3, 3.1); /* much the same in both: no direction */
        planted_shift(&data, 9, -1.5, 1.5);
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        reference_direction expected = reference_direction_find(data.A, data.B, data.N, data.d, 0.5);
        assert_true(direction.found);
        assert_int_equal(direction.kept, expected.kept);
        assert_int_equal(direction.accepted, expected.accepted);
        /* The two means span one shift of (-2, -1.5), (2, 1.5): one eigenvector along (4, 3) / 5. */
        assert_near(direction.unit[2], 0.8, 0.05);
        assert_near(direction.unit[9], 0.6, 0.05);
        assert_near(direction.unit[5], 0, 0.05);
        tt_direction_free(&direction);
        free(expected.unit);
        planted_free(&data);
    }
}

static void two_eigenvectors_are_both_accepted(void **state) {
    (void)state;
    /* Exact and small. The first and second halves of the samples differ in columns 0 and 1 so that M is diagonal:
     * column 0 has A = -1, B = 1 +- 0.5; column 1 the same with the signs of the spread swapped. Their sum has no spread. */
    enum { N = 8, D = 3 };
    float A[N * D], B[N * D];
    for (int i = 0; i < N; i++) {
        const float wobble = i % 2 ? 0.5F : -0.5F;
        A[i * D] = -1 - wobble, B[i * D] = 1 + wobble;
        A[i * D + 1] = -1 + wobble, B[i * D + 1] = 1 - wobble;
        A[i * D + 2] = (i / 2) % 2 ? 2 : -2, B[i * D + 2] = (i / 4) % 2 ? 1 : -1;
    }
    for (int s = 0; s < SOLVERS; s++) {
        const planted data = {.N = N, .d = D, .A = A, .B = B};
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        assert_true(direction.found);
        assert_near(direction.unit[0], sqrt(0.5), 1e-6);
        assert_near(direction.unit[1], sqrt(0.5), 1e-6);
        assert_near(direction.means[1], sqrt(2), 1e-6);
        assert_near(direction.deviations[0], 0, 1e-6);
        assert_true(isfinite(direction.discriminant_ratio));
        tt_direction_free(&direction);
    }
}

static void noise_has_no_direction(void **state) {
    (void)state;
    for (int s = 0; s < SOLVERS; s++) {
        planted data = planted_noise(400, 60, 1, 4);
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        assert_false(direction.found);
        assert_null(direction.unit);
        assert_int_equal(direction.kept, 0);
        assert_int_equal(direction.accepted, 0);
        tt_direction_free(&direction);
        planted_free(&data);
    }
}

/* ==== Edges ==== */

static void equal_classes_have_no_direction(void **state) {
    (void)state;
    planted data = planted_noise(30, 20, 1, 40);
    planted_shift(&data, 3, 5, 5);
    memcpy(data.B, data.A, data.N * data.d * sizeof(float));
    for (int method = 0; method < 3; method++)
        for (int s = 0; s < SOLVERS; s++) {
            tt_direction direction = find_direction(&data, (tt_method)method, solvers[s]);
            assert_false(direction.found);
            assert_null(direction.unit);
            assert_int_equal(direction.kept, 0);
        }
    planted_free(&data);
}

static void zeros_have_no_direction(void **state) {
    (void)state;
    planted wide = planted_noise(5, 20, 0, 41), tall = planted_noise(20, 5, 0, 41);
    for (int method = 0; method < 3; method++)
        for (int s = 0; s < SOLVERS; s++) {
            assert_false(find_direction(&wide, (tt_method)method, solvers[s]).found);
            assert_false(find_direction(&tall, (tt_method)method, solvers[s]).found);
        }
    planted_free(&wide);
    planted_free(&tall);
}

static void one_class_of_zeros_is_separable_only_by_a_shift(void **state) {
    (void)state;
    planted data = planted_noise(40, 20, 0.1, 42);
    planted_shift(&data, 4, 0, 6);
    memset(data.A, 0, data.N * data.d * sizeof(float)); /* M = 0: every vector is an eigenvector, none is preferred */
    for (int s = 0; s < SOLVERS; s++) {
        tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
        /* One may be found or not: what is told of it makes sense. */
        assert_int_equal(direction.found, direction.unit != NULL);
        if (direction.found) assert_near(cosine_of(direction.unit, direction.unit, data.d), 1, 1e-6);
        assert_near(direction.means[0], 0, 1e-6);
        assert_true(isfinite(direction.means[1]) && isfinite(direction.discriminant_ratio));
        tt_direction_free(&direction);
    }
    tt_direction direction = find_direction(&data, TT_METHOD_MEAN_DIFFERENCE, TT_SOLVER_AUTO);
    assert_near(direction.unit[4], 1, 1e-3);
    tt_direction_free(&direction);
    planted_free(&data);
}

static void size_of_the_values_does_not_matter(void **state) {
    (void)state;
    planted data = planted_noise(40, 30, 1, 43);
    planted_shift(&data, 4, -2, 3);
    tt_direction plain = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, TT_SOLVER_DENSE);
    for (int step = 0; step < 3; step++) { /* by 2^90, back, and by 2^-90 */
        const float factor = step ? 0x1p-90F : 0x1p90F;
        for (size_t i = 0; i < data.N * data.d; i++) data.A[i] *= factor, data.B[i] *= factor;
        for (int s = 0; s < SOLVERS; s++) {
            tt_direction scaled = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, solvers[s]);
            assert_true(scaled.found);
            assert_true(cosine_of(plain.unit, scaled.unit, data.d) > 0.999999);
            assert_near(scaled.discriminant_ratio / plain.discriminant_ratio, 1, 1e-5);
            tt_direction_free(&scaled);
        }
    }
    tt_direction_free(&plain);
    planted_free(&data);
}

static void bad_input_is_refused_in_one_sentence(void **state) {
    (void)state;
    planted data = planted_noise(4, 3, 1, 44);
    const tt_direction_options good = {.tolerance = 0.5}, negative = {.tolerance = -1}, not_a_number = {.tolerance = NAN};
    tt_direction direction;
    tt_error err = {0};
    assert_false(tt_direction_find(data.A, data.B, 1, 3, &good, &direction, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
    assert_non_null(strstr(err.message, "at least 2 samples"));
    assert_false(tt_direction_find(data.A, data.B, 4, 0, &good, &direction, &err));
    assert_false(tt_direction_find(data.A, data.B, (size_t)1 << 40, 3, &good, &direction, &err));
    assert_false(tt_direction_find(data.A, data.B, 4, 3, &negative, &direction, &err));
    assert_false(tt_direction_find(data.A, data.B, 4, 3, &not_a_number, &direction, &err));
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++)
        for (int method = 0; method < 3; method++) {
            data.B[3 * 2 + 1] = bad[i];
            err = (tt_error){0};
            const tt_direction_options options = {.method = (tt_method)method, .tolerance = 0.5};
            assert_false(tt_direction_find(data.A, data.B, 4, 3, &options, &direction, &err));
            assert_int_equal(err.kind, TT_ERROR_INPUT);
            assert_non_null(strstr(err.message, "positive class, sample 3"));
            assert_false(direction.found);
            assert_null(direction.unit);
        }
    planted_free(&data);
}

static void the_same_input_gives_the_same_bytes(void **state) {
    (void)state;
    planted data = planted_noise(90, 120, 1, 45);
    planted_shift(&data, 4, -1, 2);
    for (int method = 0; method < 3; method++)
        for (int s = 0; s < SOLVERS; s++) {
            tt_direction first = find_direction(&data, (tt_method)method, solvers[s]);
            tt_direction second = find_direction(&data, (tt_method)method, solvers[s]);
            assert_memory_equal(first.unit, second.unit, data.d * sizeof(float));
            free(first.unit);
            free(second.unit);
            first.unit = second.unit = NULL;
            assert_memory_equal(&first, &second, sizeof first);
        }
    planted_free(&data);
}

static void the_number_of_threads_changes_no_direction(void **state) {
    (void)state;
    planted data = planted_noise(150, 400, 1, 46);
    planted_shift(&data, 4, -1, 2);
    for (int s = 0; s < SOLVERS; s++) {
        tt_direction by_threads[2];
        for (int threads = 1; threads <= 2; threads++) {
            const tt_direction_options options = {.solver = solvers[s], .tolerance = 0.5, .threads = threads};
            assert_true(tt_direction_find(data.A, data.B, data.N, data.d, &options, &by_threads[threads - 1], NULL));
        }
        assert_true(cosine_of(by_threads[0].unit, by_threads[1].unit, data.d) > 0.999999);
        tt_direction_free(&by_threads[0]);
        tt_direction_free(&by_threads[1]);
    }
    planted_free(&data);
}

/* ==== The other methods ==== */

static void mean_difference_is_just_that(void **state) {
    (void)state;
    planted data = planted_noise(50, 30, 1, 50);
    planted_shift(&data, 4, 1, 4);
    tt_direction direction = find_direction(&data, TT_METHOD_MEAN_DIFFERENCE, TT_SOLVER_AUTO);
    double length = 0, difference[30] = {0};
    for (size_t i = 0; i < data.N; i++)
        for (size_t j = 0; j < data.d; j++) difference[j] += (double)data.B[i * data.d + j] - data.A[i * data.d + j];
    for (size_t j = 0; j < data.d; j++) length += difference[j] * difference[j];
    for (size_t j = 0; j < data.d; j++) assert_near(direction.unit[j], difference[j] / sqrt(length), 1e-6);
    assert_true(direction.found);
    assert_int_equal(direction.accepted, 1);
    assert_near(direction.means[1] - direction.means[0], sqrt(length) / 50, 1e-6);
    tt_direction_free(&direction);
    planted_free(&data);
}

static void pca_is_the_first_uncentred_component(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{12, 30}, {30, 12}, {20, 20}};
    for (int i = 0; i < 3; i++) {
        planted data = planted_noise(sizes[i][0], sizes[i][1], 0.5, 51);
        planted_shift(&data, 4, 1, -3); /* B is on the negative side: the sign must follow */
        const size_t N = data.N, d = data.d;
        double *square = calloc(d * d, sizeof(double)), *eigenvalues = calloc(d, sizeof(double));
        assert_true(square && eigenvalues);
        for (size_t row = 0; row < N; row++)
            for (size_t p = 0; p < d; p++)
                for (size_t q = 0; q < d; q++)
                    square[p * d + q] += ((double)data.B[row * d + p] - data.A[row * d + p]) *
                                         ((double)data.B[row * d + q] - data.A[row * d + q]);
        reference_eigen(square, d, eigenvalues);
        size_t top = 0;
        for (size_t j = 0; j < d; j++) top = eigenvalues[j] > eigenvalues[top] ? j : top;
        tt_direction direction = find_direction(&data, TT_METHOD_PCA, TT_SOLVER_AUTO);
        double dot = 0;
        for (size_t j = 0; j < d; j++) dot += direction.unit[j] * square[top * d + j];
        assert_near(fabs(dot), 1, 1e-6);
        assert_true(direction.unit[4] < -0.9);
        assert_true(direction.means[1] > direction.means[0]);
        tt_direction_free(&direction);
        free(square);
        free(eigenvalues);
        planted_free(&data);
    }
}

/* ==== The small functions ==== */

static void the_ratio_is_the_formula(void **state) {
    (void)state;
    const double a[] = {1, 2, 3}, b[] = {5, 6, 10};
    /* Means 2 and 7, middle 4.5: between 2 * 3 * 2.5^2 = 37.5; within 2 + 14. */
    assert_near(tt_discriminant_ratio(a, b, 3), 37.5 / 16, 1e-12);
    assert_near(tt_discriminant_ratio(b, a, 3), 37.5 / 16, 1e-12);
    const double same[] = {4, 4, 4}, other[] = {6, 6, 6};
    assert_true(tt_discriminant_ratio(same, same, 3) == 0);
    const double apart = tt_discriminant_ratio(same, other, 3);
    assert_true(isfinite(apart) && apart > 1e10);
    double noisy_a[50], noisy_b[50];
    for (uint64_t i = 0; i < 50; i++) noisy_a[i] = planted_normal(60, i), noisy_b[i] = 1 + planted_normal(61, i);
    assert_near(tt_discriminant_ratio(noisy_a, noisy_b, 50), reference_ratio(noisy_a, noisy_b, 50), 1e-12);
}

static void names_go_both_ways(void **state) {
    (void)state;
    tt_error err;
    for (int i = 0; i < 3; i++) {
        tt_method method;
        assert_true(tt_method_parse(tt_method_name((tt_method)i), &method, &err));
        assert_int_equal(method, i);
    }
    for (int i = 0; i < SOLVERS; i++) {
        tt_solver solver;
        assert_true(tt_solver_parse(tt_solver_names[solvers[i]], &solver, &err));
        assert_int_equal(solver, solvers[i]);
    }
    tt_method method;
    tt_solver solver;
    assert_false(tt_method_parse("PCA", &method, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
    assert_string_equal(err.message, "there is no method \"PCA\"; choose one of: cross-covariance, mean-difference, pca");
    assert_false(tt_solver_parse("", &solver, NULL));
}

static long peak_kilobytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void memory_is_estimated_roughly(void **state) {
    (void)state;
    planted data = planted_noise(600, 1100, 1, 70);
    planted_shift(&data, 4, -1, 2);
    const tt_direction_options options = {.solver = TT_SOLVER_DENSE, .tolerance = 0.5};
    const long before = peak_kilobytes();
    tt_direction direction = find_direction(&data, TT_METHOD_CROSS_COVARIANCE, TT_SOLVER_DENSE);
    const long used = peak_kilobytes() - before, estimated = (long)(tt_direction_memory(600, 1100, &options) / 1024);
    /* OpenBLAS keeps buffers of its own, once for the process: 32 MiB a thread. */
    if (used > estimated + 4 * 32 * 1024) fail_msg("%ld KiB used, %ld estimated", used, estimated);
    assert_true(estimated > 3 * 1100 * 1100 * 8 / 1024 && estimated < 100 * 1024);
    tt_direction_free(&direction);
    planted_free(&data);
    const tt_direction_options automatic = {.solver = TT_SOLVER_AUTO, .tolerance = 0.5};
    assert_true(tt_direction_memory(1366, 12288, &automatic) < (size_t)2 << 30);
    assert_true(tt_direction_memory(100, 12288, &automatic) < tt_direction_memory(1366, 12288, &automatic));
    const tt_direction_options pca = {.method = TT_METHOD_PCA};
    assert_true(tt_direction_memory(1366, 12288, &pca) > (size_t)1366 * 12288 * 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opposed_classes_have_a_negative_eigenvalue),
        cmocka_unit_test(classes_on_one_side_keep_their_middle),
        cmocka_unit_test(several_directions_are_compounded),
        cmocka_unit_test(two_eigenvectors_are_both_accepted),
        cmocka_unit_test(noise_has_no_direction),
        cmocka_unit_test(equal_classes_have_no_direction),
        cmocka_unit_test(zeros_have_no_direction),
        cmocka_unit_test(one_class_of_zeros_is_separable_only_by_a_shift),
        cmocka_unit_test(size_of_the_values_does_not_matter),
        cmocka_unit_test(bad_input_is_refused_in_one_sentence),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(the_number_of_threads_changes_no_direction),
        cmocka_unit_test(mean_difference_is_just_that),
        cmocka_unit_test(pca_is_the_first_uncentred_component),
        cmocka_unit_test(the_ratio_is_the_formula),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(memory_is_estimated_roughly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
