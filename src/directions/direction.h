/* direction.h: from two classes' contributions to the direction that separates them. Pure mathematics: arrays in, arrays
 * out. docs/method.md has the formulas.
 *
 * A and B are N x d, row-major: the negative and the positive class' contributions, each minus its sample's baseline. */
#pragma once

#include "base/error.h"

#include <stddef.h>

typedef enum tt_method {
    TT_METHOD_CROSS_COVARIANCE, /* the reference: eigenvectors of the symmetrised cross-covariance, compounded greedily */
    TT_METHOD_MEAN_DIFFERENCE,  /* mean(B) - mean(A) */
    TT_METHOD_PCA,              /* the first principal component of the rows of B - A, not centred, signed towards B */
} tt_method;

typedef enum tt_solver {
    TT_SOLVER_AUTO,    /* the fastest of the others, by d and N */
    TT_SOLVER_DENSE,   /* LAPACK, the whole spectrum of the d x d matrix */
    TT_SOLVER_REDUCED, /* the same eigenpairs from a 2N x 2N problem, where 2N < d (else as dense) */
    TT_SOLVER_LANCZOS, /* matrix-free: the pairs that can pass, and a bound which shows that no other can */
} tt_solver;

typedef struct tt_direction_options {
    tt_method method;
    tt_solver solver;
    double
        tolerance; /* least discriminant ratio of an eigenvector, and least gain of a further one; the reference's is 0.5 */
    int threads;   /* for linear algebra; 0: as it is set. The setting is the process' own: see tt_direction_find */
} tt_direction_options;

typedef struct tt_direction {
    bool found;       /* false: this block has no direction, and `unit` is NULL */
    tt_solver solver; /* the one that was used in the end; TT_SOLVER_AUTO where the method needs none */
    size_t kept,
        accepted;      /* eigenvectors that passed the tolerance; of those, in the compound (1 and 1 for other methods) */
    size_t eigenpairs; /* computed to decide that */
    double discriminant_ratio; /* J of the scores along `unit` */
    double variance_reduction; /* max(0, 1 - (var a + var b) / (2 var(a and b together))) */
    double deviations[2];      /* standard deviations of the scores, by class */
    double means[2];           /* mean scores mu_a, mu_b */
    double middle; /* (mu_a + mu_b) / 2: the de-bias vector is middle x unit, class c's (means[c] - middle) x unit */
    float *unit;   /* d values, length 1; freed by tt_direction_free */
} tt_direction;

/* Finds the direction of one block. Fails for N < 2, d < 1, values that are not finite, or want of memory. A and B are read
 * only. On failure `direction` is empty.
 *
 * The same arguments give the same bytes, on one machine and with one number of threads; another number may change the
 * last bits. Calls may run side by side in several threads. OpenBLAS has one thread setting for the whole process: a call
 * with `threads` other than 0 sets it, and calls that overlap use what the first of them set. */
bool tt_direction_find(const float *A, const float *B, size_t N, size_t d, const tt_direction_options *options,
                       tt_direction *direction, tt_error *err);
void tt_direction_free(tt_direction *direction);

/* Peak bytes that tt_direction_find allocates for N x d with these options, for planning. */
size_t tt_direction_memory(size_t N, size_t d, const tt_direction_options *options);

/* J(a, b), the discriminant ratio of two sets of N scores; 0 where both have no spread and one mean. A spread below what
 * F32 values can tell from none counts as that much, so the ratio is always finite (at most 7e13). */
double tt_discriminant_ratio(const double *a, const double *b, size_t N);

/* Names as the command line has them: "cross-covariance", "mean-difference", "pca"; "auto", "dense", "reduced",
 * "lanczos". */
const char *tt_method_name(tt_method method);
bool tt_method_parse(const char *name, tt_method *method, tt_error *err);
const char *tt_solver_name(tt_solver solver);
bool tt_solver_parse(const char *name, tt_solver *solver, tt_error *err);
