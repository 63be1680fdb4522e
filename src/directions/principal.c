/* principal.c: the method "pca": the first principal component of the differences B - A, one row per sample.
 *
 * The rows are not centred, as in llama.cpp's cvector-generator: what all differences share is the shift between the
 * classes, and centring would remove it and keep only how the differences vary. (repeng centres them.) */
#include "base/memory.h"
#include "base/number.h"
#include "directions/problem.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdlib.h>

/* The unit eigenvector with the largest eigenvalue of `matrix` (n x n; lower triangle, column-major; destroyed). */
static bool top_eigenvector(double *matrix, size_t n, double *vector, tt_error *err) {
    double *eigenvalue = tt_alloc(n, sizeof(double), err);
    int support[2], found = 0;
    if (!eigenvalue) return false;
    const int info = LAPACKE_dsyevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', (int)n, matrix, (int)n, 0, 0, (int)n, (int)n, 0, &found,
                                    eigenvalue, vector, (int)n, support);
    free(eigenvalue);
    return tt_lapack_ok(info, "the principal component", err);
}

/* Scales `unit` to length 1, pointing towards B. */
static void orient(const tt_problem *problem, double *unit) {
    const size_t d = problem->d;
    double towards_b = 0;
    for (size_t j = 0; j < d; j++) towards_b += unit[j] * (problem->means[1][j] - problem->means[0][j]);
    /* If the means do not differ along it, its largest value is made positive, to fix the sign. */
    if (towards_b == 0) towards_b = unit[cblas_idamax((int)d, unit, 1)];
    const double length = cblas_dnrm2((int)d, unit, 1);
    if (length > 0) cblas_dscal((int)d, (towards_b < 0 ? -1 : 1) / length, unit, 1);
}

static bool principal_component(const tt_problem *problem, double *unit, tt_error *err) {
    const size_t N = problem->N, d = problem->d, n = tt_smaller(N, d);
    double *differences = tt_alloc(N * d, sizeof(double), err);
    double *square = differences ? tt_alloc(n * n, sizeof(double), err) : NULL;
    double *coefficients = square ? tt_alloc(n, sizeof(double), err) : NULL;
    bool ok = coefficients != NULL;
    double energy = 0;
    for (size_t i = 0; ok && i < N * d; i++) {
        differences[i] = (double)problem->B[i] - (double)problem->A[i];
        energy += differences[i] * differences[i];
    }
    const bool differ = energy > problem->rounding;
    if (ok && differ) {
        /* D'D and DD' have the same nonzero eigenvalues, so the smaller one suffices: u = D'c for DD' c = s c. */
        cblas_dsyrk(CblasRowMajor, CblasUpper, N < d ? CblasNoTrans : CblasTrans, (int)n, (int)(N < d ? d : N), 1,
                    differences, (int)d, 0, square, (int)n);
        ok = top_eigenvector(square, n, coefficients, err);
    }
    if (ok && differ && N < d)
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)N, (int)d, 1, differences, (int)d, coefficients, 1, 0, unit, 1);
    else if (ok && differ)
        cblas_dcopy((int)d, coefficients, 1, unit, 1);
    free(coefficients);
    free(square);
    free(differences);
    if (ok) orient(problem, unit);
    return ok;
}

double tt_memory_principal(size_t N, size_t d, const tt_direction_options *) {
    const double n = (double)tt_smaller(N, d);
    return (double)N * (double)d + 2 * n * n;
}

bool tt_find_principal(const tt_problem *problem, const tt_direction_options *, tt_direction *direction, tt_error *err) {
    double *unit = tt_alloc(problem->d, sizeof(double), err);
    const bool ok =
        unit && principal_component(problem, unit, err) && tt_problem_measure_single(problem, unit, direction, err);
    free(unit);
    return ok;
}
