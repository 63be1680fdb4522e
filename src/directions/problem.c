/* problem.c: sums and products over one block's data, in double precision a few rows or columns at a time, so that memory
 * never holds a complete double copy of A and B. See problem.h. */
#include "directions/problem.h"

#include "base/memory.h"
#include "base/number.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_ROWS = 128,    /* rows converted at a time: 12 MiB at d = 12288 */
    CHUNK_COLUMNS = 512, /* columns converted at a time: 11 MiB at N = 1366 */
};

static const float *row_of(const tt_problem *problem, size_t row) {
    return row < problem->N ? problem->A + row * problem->d : problem->B + (row - problem->N) * problem->d;
}

static bool sum_class(tt_problem *problem, int side, tt_error *err) {
    double *mean = problem->means[side];
    for (size_t i = 0; i < problem->N; i++) {
        const float *row = row_of(problem, (size_t)side * problem->N + i);
        double energy = 0;
        for (size_t j = 0; j < problem->d; j++) {
            const double value = row[j];
            mean[j] += value;
            energy += value * value;
            if (fabs(value) > problem->largest[side]) problem->largest[side] = fabs(value);
        }
        /* A sum of squares of finite F32 values cannot overflow a double, and any value that is not finite shows in
         * it. */
        if (!isfinite(energy))
            return tt_fail(err, TT_ERROR_INPUT, "a contribution of the %s class, sample %zu, has values that are not finite",
                           side ? "positive" : "negative", i + 1);
        problem->energy += energy;
    }
    cblas_dscal((int)problem->d, 1.0 / (double)problem->N, mean, 1);
    return true;
}

bool tt_problem_open(tt_problem *problem, const float *A, const float *B, size_t N, size_t d, double tolerance,
                     tt_error *err) {
    *problem = (tt_problem){.A = A, .B = B, .N = N, .d = d, .tolerance = tolerance};
    if (N < 2) return tt_fail(err, TT_ERROR_USAGE, "a direction needs at least 2 samples, not %zu", N);
    if (d < 1) return tt_fail(err, TT_ERROR_USAGE, "a direction needs at least 1 dimension");
    if (N > INT32_MAX / 2 || d > INT32_MAX)
        return tt_fail(err, TT_ERROR_USAGE, "%zu samples of %zu values are more than linear algebra can index", N, d);
    if (!isfinite(tolerance) || tolerance < 0)
        return tt_fail(err, TT_ERROR_USAGE, "the tolerance must be a number that is not negative, not %g", tolerance);
    for (int side = 0; side < 2; side++) {
        problem->means[side] = tt_alloc(d, sizeof(double), err);
        if (!problem->means[side] || !sum_class(problem, side, err)) return false;
    }
    problem->rounding = (double)FLT_EPSILON * FLT_EPSILON * problem->energy;
    return true;
}

void tt_problem_close(tt_problem *problem) {
    for (int side = 0; side < 2; side++) free(problem->means[side]);
    *problem = (tt_problem){0};
}

void tt_problem_rows(const tt_problem *problem, size_t first, size_t count, double *rows) {
    for (size_t i = 0; i < count; i++) {
        const float *row = row_of(problem, first + i);
        for (size_t j = 0; j < problem->d; j++) rows[i * problem->d + j] = row[j];
    }
}

/* Rows per step for the scores of `count` vectors: many, or, if there is little work, so few that OpenBLAS does each
 * product in the calling thread (up to 2^18 multiplications): waiting for other threads would take longer. */
static size_t score_rows(const tt_problem *problem, size_t count) {
    const size_t few = ((size_t)1 << 18) / problem->d / count;
    return tt_smaller(few >= 8 ? few : CHUNK_ROWS, tt_smaller(CHUNK_ROWS, 2 * problem->N));
}

bool tt_problem_scores(const tt_problem *problem, const double *vectors, size_t count, double *scores, tt_error *err) {
    const size_t rows = 2 * problem->N, d = problem->d;
    const size_t chunk = score_rows(problem, count);
    double *some = tt_alloc(chunk * d, sizeof(double), err);
    if (!some) return false;
    for (size_t first = 0; first < rows; first += chunk) {
        const size_t here = tt_smaller(chunk, rows - first);
        tt_problem_rows(problem, first, here, some);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)here, (int)d, 1, vectors, (int)d, some, (int)d,
                    0, scores + first, (int)rows);
    }
    free(some);
    return true;
}

bool tt_problem_gram(const tt_problem *problem, double *gram, tt_error *err) {
    const size_t rows = 2 * problem->N, d = problem->d;
    const size_t chunk = tt_smaller(CHUNK_COLUMNS, d);
    double *some = tt_alloc(rows * chunk, sizeof(double), err);
    if (!some) return false;
    for (size_t first = 0; first < d; first += chunk) {
        const size_t here = tt_smaller(chunk, d - first);
        for (size_t i = 0; i < rows; i++) {
            const float *row = row_of(problem, i) + first;
            for (size_t j = 0; j < here; j++) some[i * here + j] = row[j];
        }
        /* The upper triangle in row-major order is the lower one in column-major order. */
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)rows, (int)here, 1, some, (int)here, first ? 1 : 0, gram,
                    (int)rows);
    }
    free(some);
    return true;
}

double tt_problem_ratio(const tt_problem *problem, const double *scores, double norm) {
    const double length = cblas_dnrm2((int)(2 * problem->N), scores, 1);
    if (!(length * length > problem->rounding * norm * norm)) return 0;
    return tt_discriminant_ratio(scores, scores + problem->N, problem->N);
}

bool tt_lapack_ok(int info, const char *what, tt_error *err) {
    if (info == 0) return true;
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return tt_fail(err, TT_ERROR_MEMORY, "out of memory while computing %s", what);
    return tt_fail(err, TT_ERROR_INPUT, "LAPACK could not compute %s (its status is %d)", what, info);
}
