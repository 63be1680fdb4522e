/* krylov.c: see krylov.h */
#include "directions/krylov.h"

#include "base/memory.h"
#include "base/number.h"

#include <cblas.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

/* Values of a matrix in one product: few enough that rows of A and B are still in the cache for their second use, and
 * that OpenBLAS does the product in the calling thread. More threads would gain little, since memory bandwidth is the
 * limit, and if other processes want the same cores, threads mostly wait for one another (measured: 7 times slower).
 * Blocks solved in parallel use the cores better. */
enum { CHUNK_VALUES = 32 * 1024, LEAST_ROWS = 8 };

bool tt_krylov_open(tt_krylov *krylov, const tt_problem *problem, const double *start, size_t capacity, tt_error *err) {
    const size_t width = 2 * problem->d;
    *krylov = (tt_krylov){.problem = problem, .capacity = capacity, .start = cblas_dnrm2((int)width, start, 1)};
    krylov->chunk = CHUNK_VALUES / problem->d > LEAST_ROWS ? CHUNK_VALUES / problem->d : LEAST_ROWS;
    krylov->alpha = tt_alloc(capacity, sizeof(double), err);
    krylov->beta = krylov->alpha ? tt_alloc(capacity, sizeof(double), err) : NULL;
    krylov->scores = krylov->beta ? tt_alloc(4 * krylov->chunk, sizeof(float), err) : NULL;
    krylov->dots = krylov->scores ? tt_alloc(capacity, sizeof(float), err) : NULL;
    krylov->basis = krylov->dots ? tt_alloc((capacity + 1) * width, sizeof(float), err) : NULL;
    if (!krylov->basis) return false;
    krylov->closed = krylov->start == 0;
    for (size_t j = 0; !krylov->closed && j < width; j++) krylov->basis[j] = (float)(start[j] / krylov->start);
    return true;
}

void tt_krylov_close(tt_krylov *krylov) {
    free(krylov->basis);
    free(krylov->dots);
    free(krylov->scores);
    free(krylov->beta);
    free(krylov->alpha);
    *krylov = (tt_krylov){0};
}

/* y = M x for both halves of a pair: 8 N d multiplications and one pass over A and B, chunk by chunk so that the second
 * use of each row finds it in the cache. The passes are the main cost, hence F32. Its rounding makes an eigenvector wrong
 * by 1e-7 |M| / gap; lanczos.c checks its results in double precision. */
static void multiply(tt_krylov *krylov, const float *x, float *y) {
    const tt_problem *problem = krylov->problem;
    const size_t N = problem->N, d = problem->d;
    const size_t chunk = krylov->chunk;
    float *a = krylov->scores, *b = krylov->scores + 2 * chunk; /* rows x 2: a score for each half */
    memset(y, 0, 2 * d * sizeof(float));
    for (size_t first = 0; first < N; first += chunk) {
        const int rows = (int)tt_smaller(chunk, N - first), columns = (int)d;
        const float *A = problem->A + first * d, *B = problem->B + first * d;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, 2, columns, 0.5F, A, columns, x, columns, 0, a, 2);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, 2, columns, 0.5F, B, columns, x, columns, 0, b, 2);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, 2, columns, rows, 1, b, 2, A, columns, 1, y, columns);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, 2, columns, rows, 1, a, 2, B, columns, 1, y, columns);
    }
}

/* Orthogonalises `y` against the basis' first `count` vectors; returns its remaining length. Against all of them, not
 * only the last two: in finite precision the others come back, and would look like further eigenvectors. A second pass
 * follows if much was removed, since the rest is then mostly rounding error (Daniel, Gragg, Kaufman and Stewart,
 * 1976). */
static double orthogonalise(tt_krylov *krylov, size_t count, float *y) {
    const size_t width = 2 * krylov->problem->d, chunk = count < CHUNK_VALUES ? CHUNK_VALUES / count : 1;
    float *dots = krylov->dots;
    double length = cblas_snrm2((int)width, y, 1);
    for (int pass = 0; pass < 3; pass++) {
        const double before = length;
        memset(dots, 0, count * sizeof(float));
        for (size_t first = 0; first < width; first += chunk)
            cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)count, (int)tt_smaller(chunk, width - first), 1,
                        krylov->basis + first, (int)width, y + first, 1, 1, dots, 1);
        for (size_t first = 0; first < width; first += chunk)
            cblas_sgemv(CblasRowMajor, CblasTrans, (int)count, (int)tt_smaller(chunk, width - first), -1,
                        krylov->basis + first, (int)width, dots, 1, 1, y + first, 1);
        length = cblas_snrm2((int)width, y, 1);
        if (length > 0.7 * before) break;
    }
    return length;
}

/* x'y, in pieces small enough that OpenBLAS uses no threads. */
static double dot(size_t count, const float *x, const float *y) {
    enum { PIECE = 8192 };
    double sum = 0;
    for (size_t first = 0; first < count; first += PIECE)
        sum += cblas_dsdot((int)tt_smaller(PIECE, count - first), x + first, 1, y + first, 1);
    return sum;
}

void tt_krylov_extend(tt_krylov *krylov, size_t steps) {
    const size_t width = 2 * krylov->problem->d;
    while (!krylov->closed && krylov->steps < steps) {
        const size_t k = krylov->steps++;
        const float *q = krylov->basis + k * width;
        float *next = krylov->basis + (k + 1) * width;
        multiply(krylov, q, next);
        const double size = cblas_snrm2((int)width, next, 1);
        krylov->alpha[k] = dot(width, q, next);
        krylov->beta[k] = orthogonalise(krylov, k + 1, next);
        if (krylov->beta[k] <= 16 * (double)FLT_EPSILON * size || k + 1 == width) {
            krylov->beta[k] = 0;
            krylov->closed = true;
            return;
        }
        cblas_sscal((int)width, (float)(1 / krylov->beta[k]), next, 1);
    }
}

void tt_krylov_combine(const tt_krylov *krylov, const double *coefficients, double *pair) {
    const size_t width = 2 * krylov->problem->d;
    memset(pair, 0, width * sizeof(double));
    for (size_t k = 0; k < krylov->steps; k++)
        for (size_t j = 0; j < width; j++) pair[j] += coefficients[k] * krylov->basis[k * width + j];
}
