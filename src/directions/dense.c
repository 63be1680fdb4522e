/* dense.c: the exact solvers, on LAPACK. `dense` takes the whole spectrum of the d x d matrix, as the reference does;
 * `reduced` finds the same eigenpairs in the space that the samples span, which is smaller when 2N < d. */
#include "base/memory.h"
#include "base/number.h"
#include "directions/problem.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_ROWS = 256,    /* samples converted to double at once */
    CHUNK_VECTORS = 256, /* eigenvectors whose scores are computed at once */
};

/* Beyond this, the workspace of LAPACK's solver (2 n^2 + 6 n + 1 values) exceeds its 32-bit lengths. */
static const size_t largest_order = 32000;

/* M = (A'B + B'A) / 2, its upper triangle, row-major.
 *
 * In double precision: the eigenvectors that matter may have eigenvalues thousands of times smaller than the largest (a
 * few hidden dimensions of language models are that much larger than the rest), and LAPACK's error is relative to the
 * largest. In F32 that would cost all of their accuracy. */
static bool cross_covariance(const tt_problem *problem, double *M, tt_error *err) {
    const size_t N = problem->N, d = problem->d, chunk = tt_smaller(CHUNK_ROWS, N);
    double *rows = tt_alloc(2 * chunk * d, sizeof(double), err);
    if (!rows) return false;
    for (size_t first = 0; first < N; first += chunk) {
        const size_t here = tt_smaller(chunk, N - first);
        tt_problem_rows(problem, first, here, rows);
        tt_problem_rows(problem, N + first, here, rows + chunk * d);
        cblas_dsyr2k(CblasRowMajor, CblasUpper, CblasTrans, (int)d, (int)here, 0.5, rows, (int)d, rows + chunk * d, (int)d,
                     first ? 1 : 0, M, (int)d);
    }
    free(rows);
    return true;
}

/* Replaces the symmetric matrix (n x n; lower triangle, column-major) by its unit eigenvectors, one after another. */
static bool eigenpairs(double *matrix, size_t n, double *eigenvalues, tt_error *err) {
    if (n > largest_order)
        return tt_fail(err, TT_ERROR_USAGE, "the whole spectrum of a %zu x %zu matrix is too large; use the lanczos solver",
                       n, n);
    const int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', (int)n, matrix, (int)n, eigenvalues);
    return tt_lapack_ok(info, "the spectrum", err);
}

bool tt_solve_dense(const tt_problem *problem, tt_candidates *candidates, tt_error *err) {
    const size_t d = problem->d, rows = 2 * problem->N, chunk = tt_smaller(CHUNK_VECTORS, d);
    double *eigenvalues = tt_alloc(d, sizeof(double), err);
    double *scores = eigenvalues ? tt_alloc(chunk * rows, sizeof(double), err) : NULL;
    double *M = scores ? tt_alloc(d * d, sizeof(double), err) : NULL;
    bool ok = M && cross_covariance(problem, M, err) && eigenpairs(M, d, eigenvalues, err);
    for (size_t first = 0; ok && first < d; first += chunk) {
        const size_t here = tt_smaller(chunk, d - first);
        ok = tt_problem_scores(problem, M + first * d, here, scores, err);
        for (size_t i = 0; ok && i < here; i++)
            ok = tt_candidates_offer(candidates, problem, eigenvalues[first + i], M + (first + i) * d, d, scores + i * rows,
                                     err);
    }
    free(M);
    free(scores);
    free(eigenvalues);
    return ok;
}

/* ==== Reduced ====
 *
 * M = X'KX / 2 with X = [A; B] and K = [0 I; I 0]. An eigenvector with an eigenvalue other than zero is M v / lambda, a
 * combination of X's rows. One outside the rows' span has scores X v = 0, hence J = 0. There remain eigenvectors with
 * eigenvalue zero inside the span; the reduced problem has those too, since it is M on that span.
 *
 * With G = X X' = P L L' P' (Cholesky, pivoted: duplicates and dependent rows drop out, and leave r <= 2N columns of L),
 * X' has the orthonormal basis Q with X' = Q L' P'. In that basis M is S = L' (P'KP) L / 2, r x r. If S y = lambda y,
 * then v = Q y has the scores X v = P L y, and is X' P [L11^-T y; 0], L11 the upper r x r part of L.
 *
 * Going through G squares the condition number: in double precision it keeps the parts of X larger than 1e-8 |X|. F32
 * data is known only to FLT_EPSILON |X| = 1e-7 |X|, below which scores count as rounding errors in every solver
 * (tt_problem.rounding). */

typedef struct reduction {
    size_t rows, rank; /* 2N, r */
    double *L;         /* rows x rows, column-major: L in the lower triangle of the first `rank` columns */
    int *pivots;       /* row i of P'X is row pivots[i] - 1 of X */
    double *unpivoted; /* P L: rows x rank, column-major */
} reduction;

static bool factor(const tt_problem *problem, reduction *self, tt_error *err) {
    const size_t n = self->rows;
    if (!tt_problem_gram(problem, self->L, err)) return false;
    int rank = 0;
    /* A column is dropped when the rest of its row is rounding error; LAPACK reports that with a positive status. */
    const int info = LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'L', (int)n, self->L, (int)n, self->pivots, &rank,
                                    fmax(problem->rounding, DBL_MIN));
    if (info < 0 && !tt_lapack_ok(info, "the span of the samples", err)) return false;
    self->rank = (size_t)rank;
    self->unpivoted = tt_alloc(n * self->rank, sizeof(double), err);
    if (!self->unpivoted) return false;
    for (size_t column = 0; column < self->rank; column++)
        for (size_t i = column; i < n; i++)
            self->unpivoted[column * n + (size_t)self->pivots[i] - 1] = self->L[column * n + i];
    return true;
}

/* Offers all r eigenpairs, with the r coefficients y in place of the vector. */
static bool offer_reduced(const tt_problem *problem, const reduction *self, tt_candidates *candidates, tt_error *err) {
    const size_t n = self->rows, r = self->rank, N = problem->N, chunk = tt_smaller(CHUNK_VECTORS, r);
    double *S = tt_alloc(r * r, sizeof(double), err);
    double *eigenvalues = S ? tt_alloc(r, sizeof(double), err) : NULL;
    double *scores = eigenvalues ? tt_alloc(chunk * n, sizeof(double), err) : NULL;
    bool ok = scores != NULL;
    if (ok) {
        /* The rows of P L are A's, then B's: L' P'KP L = La'Lb + Lb'La. */
        cblas_dsyr2k(CblasColMajor, CblasLower, CblasTrans, (int)r, (int)N, 0.5, self->unpivoted, (int)n,
                     self->unpivoted + N, (int)n, 0, S, (int)r);
        ok = eigenpairs(S, r, eigenvalues, err);
    }
    for (size_t first = 0; ok && first < r; first += chunk) {
        const size_t here = tt_smaller(chunk, r - first);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, (int)here, (int)r, 1, self->unpivoted, (int)n,
                    S + first * r, (int)r, 0, scores, (int)n);
        for (size_t i = 0; ok && i < here; i++)
            ok = tt_candidates_offer(candidates, problem, eigenvalues[first + i], S + (first + i) * r, r, scores + i * n,
                                     err);
    }
    free(scores);
    free(eigenvalues);
    free(S);
    return ok;
}

/* Turns the candidates' coefficients into vectors of d values. */
static bool expand(const tt_problem *problem, const reduction *self, tt_candidates *candidates, tt_error *err) {
    const size_t n = self->rows, r = self->rank, d = problem->d, count = candidates->count,
                 chunk = tt_smaller(CHUNK_ROWS, n);
    double *coefficients = tt_alloc(count * n, sizeof(double), err); /* count x n: one for each row of X, most rows first */
    double *rows = coefficients ? tt_alloc(chunk * d, sizeof(double), err) : NULL;
    bool ok = rows != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        tt_candidate *candidate = &candidates->items[i];
        cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit, (int)r, self->L, (int)n, candidate->vector, 1);
        for (size_t k = 0; k < r; k++) coefficients[i * n + (size_t)self->pivots[k] - 1] = candidate->vector[k];
        double *vector = tt_alloc(d, sizeof(double), err);
        ok = vector != NULL;
        if (!ok) break;
        free(candidate->vector);
        candidate->vector = vector;
    }
    for (size_t first = 0; ok && first < n; first += chunk) {
        const size_t here = tt_smaller(chunk, n - first);
        tt_problem_rows(problem, first, here, rows);
        for (size_t i = 0; i < count; i++)
            cblas_dgemv(CblasRowMajor, CblasTrans, (int)here, (int)d, 1, rows, (int)d, coefficients + i * n + first, 1, 1,
                        candidates->items[i].vector, 1);
    }
    free(rows);
    free(coefficients);
    return ok;
}

bool tt_solve_reduced(const tt_problem *problem, tt_candidates *candidates, tt_error *err) {
    if (problem->energy == 0) return true; /* nothing is spanned */
    const size_t n = 2 * problem->N;
    reduction self = {.rows = n};
    self.pivots = tt_alloc(n, sizeof(int), err);
    self.L = self.pivots ? tt_alloc(n * n, sizeof(double), err) : NULL;
    const bool ok = self.L && factor(problem, &self, err) && offer_reduced(problem, &self, candidates, err) &&
                    (candidates->count == 0 || expand(problem, &self, candidates, err));
    free(self.unpivoted);
    free(self.L);
    free(self.pivots);
    return ok;
}
