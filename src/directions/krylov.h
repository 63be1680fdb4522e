/* krylov.h: the Lanczos process that the matrix-free solver rests on. Not for other rooms.
 *
 * It works on pairs of vectors, 2 d values: one from each class of starting vector (see lanczos.c), on which M acts alike.
 * From a start it builds orthonormal vectors q_0, q_1, ... of the space spanned by start, M start, M^2 start, ... in which M
 * is tridiagonal: diagonal alpha, off-diagonal beta.
 *
 * Why not ARPACK, whose way this is too: its restarts discard the polynomials that the bound in lanczos.c is made of, and
 * it keeps a solve's state in static variables, so that two threads cannot solve at once. docs/method.md has what it took,
 * with restarts and without. */
#pragma once

#include "directions/problem.h"

typedef struct tt_krylov {
    const tt_problem *problem;
    size_t steps, capacity;
    size_t chunk;  /* rows of A and of B that a product takes at a time */
    double start;  /* the length of the starting vector */
    double *alpha; /* `steps` values */
    double *beta;  /* beta[j] couples q_j and q_(j+1); `steps` values */
    bool closed;   /* the next vector vanished: the space is M's own, and the eigenpairs in it are exact */
    float *basis;  /* (steps + 1) x 2d, row-major; the last row is there unless `closed` */
    float *scores; /* scratch for the product */
    float *dots;   /* scratch for orthogonalisation, `capacity` values */
} tt_krylov;

/* Starts from the pair of vectors `start` (2d), for at most `capacity` steps. Ends with tt_krylov_close, also after a
 * failure. */
bool tt_krylov_open(tt_krylov *krylov, const tt_problem *problem, const double *start, size_t capacity, tt_error *err);
void tt_krylov_close(tt_krylov *krylov);

/* Goes on until `steps` steps are done, or the space is closed. `steps` is at most the capacity. */
void tt_krylov_extend(tt_krylov *krylov, size_t steps);

/* The combination of the basis' vectors with `steps` coefficients, into `pair` (2d). */
void tt_krylov_combine(const tt_krylov *krylov, const double *coefficients, double *pair);
