/* types.h: the options and results of finding a direction, for the interface (direction.h) and the methods behind it. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* methods.def lists the methods, one per line. */
typedef enum tt_method {
#define METHOD(id, name, function) id,
#include "directions/methods.def"
#undef METHOD
} tt_method;

/* And so are the solvers, in solvers.def. */
typedef enum tt_solver {
#define SOLVER(id, name) id,
#include "directions/solvers.def"
#undef SOLVER
} tt_solver;

typedef struct tt_direction_options {
    tt_method method;
    tt_solver solver;
    double
        tolerance; /* least discriminant ratio of an eigenvector, and least gain of a further one; the reference uses 0.5 */
    int threads;   /* for linear algebra; 0: unchanged. The setting is the process': see tt_direction_find */
} tt_direction_options;

typedef struct tt_direction {
    bool found;       /* false: this block has no direction, and `unit` is NULL */
    tt_solver solver; /* the one finally used; TT_SOLVER_AUTO if the method needs none */
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

void tt_direction_free(tt_direction *direction);

/* J(a, b), the discriminant ratio of two sets of N scores; 0 if neither has any spread and their means are equal. A
 * spread too small for F32 values to resolve counts as the smallest that they can, so the ratio is always finite (at most
 * 7e13). */
double tt_discriminant_ratio(const double *a, const double *b, size_t N);
