/* krylov.h: the Lanczos process behind the matrix-free solver. Private to directions/.
 *
 * It works on pairs of vectors, 2 d values: one from each class of starting vector (see lanczos.c). M acts on both halves
 * alike. From a start it builds orthonormal vectors q_0, q_1, ... of the space spanned by start, M start, M^2 start, ...
 * in which M is tridiagonal: diagonal alpha, off-diagonal beta.
 *
 * ARPACK works this way too, but its restarts discard the polynomials that the bound in lanczos.c needs, and it keeps a
 * solve's state in static variables, so two threads cannot solve at once. docs/method.md has its times, with restarts and
 * without. */
#pragma once

#include "directions/problem.h"

typedef struct tt_krylov {
    const tt_problem *problem;
    size_t steps, capacity;
    size_t chunk;  /* rows of A and of B in one step of a product */
    double start;  /* the length of the starting vector */
    double *alpha; /* `steps` values */
    double *beta;  /* beta[j] couples q_j and q_(j+1); `steps` values */
    bool closed;   /* the next vector vanished: the space is invariant under M, and the eigenpairs in it are exact */
    float *basis;  /* (steps + 1) x 2d, row-major; the last row exists unless `closed` */
    float *scores; /* scratch for the product */
    float *dots;   /* scratch for orthogonalisation, `capacity` values */
} tt_krylov;

/* Starts from the pair of vectors `start` (2d), for at most `capacity` steps. The caller ends it with tt_krylov_close,
 * also after a failure. */
bool tt_krylov_open(tt_krylov *krylov, const tt_problem *problem, const double *start, size_t capacity, tt_error *err);
void tt_krylov_close(tt_krylov *krylov);

/* Continues until `steps` steps, at most the capacity, are done or the space is closed. */
void tt_krylov_extend(tt_krylov *krylov, size_t steps);

/* Writes the combination of the basis vectors with `steps` coefficients to `pair` (2d). */
void tt_krylov_combine(const tt_krylov *krylov, const double *coefficients, double *pair);
