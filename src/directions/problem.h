/* problem.h: what the files of directions/ share: one block's data, the eigenvectors worth keeping, and the solvers that
 * find them. Private to directions/.
 *
 * X is A above B, 2N x d. Scores are one row of 2N values per vector: A v, then B v. All arithmetic on scores is in
 * double precision: products of F32 values are exact there, and the rounding of sums stays far below that of the data. */
#pragma once

#include "directions/types.h"

typedef struct tt_problem {
    const float *A, *B; /* N x d, not owned */
    size_t N, d;
    double tolerance;
    double energy; /* the sum of all squares of A and B */
    /* Each value of A and B has the relative rounding error of F32, so scores along a unit vector are known only to about
     * FLT_EPSILON |X|. Shorter scores are rounding errors, whatever their pattern: their ratio counts as 0. */
    double rounding;   /* that length, squared */
    double *means[2];  /* the mean rows of A and B, d each; owned */
    double largest[2]; /* the largest magnitudes in A and B */
} tt_problem;

/* Checks that all values are finite and computes the sums. The caller ends it with tt_problem_close, also after a
 * failure. */
bool tt_problem_open(tt_problem *problem, const float *A, const float *B, size_t N, size_t d, double tolerance,
                     tt_error *err);
void tt_problem_close(tt_problem *problem);

/* Rows [first, first + count) of X, as double, into `rows` (count x d). */
void tt_problem_rows(const tt_problem *problem, size_t first, size_t count, double *rows);

/* The scores (count x 2N) of `count` vectors (count x d). */
bool tt_problem_scores(const tt_problem *problem, const double *vectors, size_t count, double *scores, tt_error *err);

/* G = X X' in the lower triangle (column-major) of `gram`, 2N x 2N. */
bool tt_problem_gram(const tt_problem *problem, double *gram, tt_error *err);

/* J of one row of 2N scores along a vector of length `norm`; 0 if they are rounding errors. */
double tt_problem_ratio(const tt_problem *problem, const double *scores, double norm);

/* Fills all metrics of `direction` except the counts from the scores along the unit vector `unit` (d), and copies the
 * vector as F32. */
bool tt_problem_measure(const tt_problem *problem, const double *unit, tt_direction *direction, tt_error *err);

/* The same with the counts, for a method that accepts its one vector as it is. If that is all zeros, there is no
 * direction. */
bool tt_problem_measure_single(const tt_problem *problem, const double *unit, tt_direction *direction, tt_error *err);

/* ==== Methods: each finds a direction, and knows the most values (of double) that it holds ==== */

#define METHOD(id, name, function)                                                                                          \
    bool tt_find_##function(const tt_problem *problem, const tt_direction_options *options, tt_direction *direction,        \
                            tt_error *err);                                                                                 \
    double tt_memory_##function(size_t N, size_t d, const tt_direction_options *options);
#include "directions/methods.def"
#undef METHOD

/* ==== Eigenvectors that passed the tolerance ==== */

typedef struct tt_candidate {
    double ratio, eigenvalue;
    size_t rank;    /* its place in the spectrum: breaks ties */
    double *vector; /* d; length 1; owned */
    double *scores; /* 2N; owned */
} tt_candidate;

typedef struct tt_candidates {
    tt_candidate *items; /* owned */
    size_t count, capacity;
    size_t examined; /* eigenpairs offered */
} tt_candidates;

/* Copies the eigenpair if its ratio reaches the tolerance. */
bool tt_candidates_offer(tt_candidates *candidates, const tt_problem *problem, double eigenvalue, const double *vector,
                         size_t vector_length, const double *scores, tt_error *err);
void tt_candidates_free(tt_candidates *candidates);

/* The greedy compound of the candidates, which it sorts. Fills all of `direction`. */
bool tt_compound(const tt_problem *problem, tt_candidates *candidates, tt_direction *direction, tt_error *err);

/* ==== Solvers: each offers every eigenpair that could pass ==== */

bool tt_solve_dense(const tt_problem *problem, tt_candidates *candidates, tt_error *err);
bool tt_solve_reduced(const tt_problem *problem, tt_candidates *candidates, tt_error *err);

/* `*certain` is false if the bound was not reached in less time than another solver takes; then it has offered
 * nothing. */
bool tt_solve_lanczos(const tt_problem *problem, tt_candidates *candidates, bool *certain, tt_error *err);

/* The most Lanczos steps worth taking: beyond that an exact solver is as fast. */
size_t tt_lanczos_limit(size_t N, size_t d);

/* True, or the error that a LAPACK routine's return value stands for. */
bool tt_lapack_ok(int info, const char *what, tt_error *err);
