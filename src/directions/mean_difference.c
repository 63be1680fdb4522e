/* mean_difference.c: the method "mean-difference". */
#include "base/memory.h"
#include "directions/problem.h"

#include <cblas.h>
#include <stdlib.h>

double tt_memory_mean_difference(size_t, size_t d, const tt_direction_options *) { return (double)d; }

/* mean(B) - mean(A), scaled to length 1; zeros if it is only rounding error. */
static void take_difference(const tt_problem *problem, double *unit) {
    const size_t d = problem->d;
    for (size_t j = 0; j < d; j++) unit[j] = problem->means[1][j] - problem->means[0][j];
    const double length = cblas_dnrm2((int)d, unit, 1);
    const bool real = length * length * (double)problem->N > problem->rounding;
    cblas_dscal((int)d, real ? 1 / length : 0, unit, 1);
}

bool tt_find_mean_difference(const tt_problem *problem, const tt_direction_options *, tt_direction *direction,
                             tt_error *err) {
    double *unit = tt_alloc(problem->d, sizeof(double), err);
    if (!unit) return false;
    take_difference(problem, unit);
    const bool ok = tt_problem_measure_single(problem, unit, direction, err);
    free(unit);
    return ok;
}
