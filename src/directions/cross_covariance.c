/* cross_covariance.c: the method "cross-covariance": eigenvectors of the symmetrised cross-covariance of A and B, found
 * by the solver that is requested or fits, and compounded (compound.c). docs/method.md has the formulas. */
#include "directions/problem.h"

/* ==== Which solver ==== */

/* The faster exact solver: the time grows with the cube of its order. */
static tt_solver exact_solver(size_t N, size_t d) { return 2 * N < d ? TT_SOLVER_REDUCED : TT_SOLVER_DENSE; }

/* Up to this order the exact solvers take a second or two, and are complete without further proof. */
static const size_t exact_order = 1536;

static tt_solver first_solver(size_t N, size_t d, tt_solver asked) {
    if (asked == TT_SOLVER_REDUCED) return exact_solver(N, d);
    if (asked != TT_SOLVER_AUTO) return asked;
    const size_t order = 2 * N < d ? 2 * N : d;
    return order <= exact_order ? exact_solver(N, d) : TT_SOLVER_LANCZOS;
}

static bool solve_exactly(tt_solver solver, const tt_problem *problem, tt_candidates *candidates, tt_error *err) {
    return solver == TT_SOLVER_DENSE ? tt_solve_dense(problem, candidates, err) : tt_solve_reduced(problem, candidates, err);
}

/* ==== Memory ==== */

static double square(size_t n) { return (double)n * (double)n; }

/* The matrix, and LAPACK's workspace of two more of that size; the reduction also holds its factor, twice. */
static double exact_values(tt_solver solver, size_t N, size_t d) {
    return solver == TT_SOLVER_DENSE ? 3 * square(d) + 256 * (double)(2 * N + 2 * d)
                                     : 5 * square(2 * N) + 512 * (double)(2 * N);
}

double tt_memory_cross_covariance(size_t N, size_t d, const tt_direction_options *options) {
    const tt_solver first = first_solver(N, d, options->solver);
    /* Lanczos may give up in favour of an exact solver, whose memory must be available too. */
    const double exact = exact_values(first == TT_SOLVER_LANCZOS ? exact_solver(N, d) : first, N, d);
    const double lanczos = first == TT_SOLVER_LANCZOS ? (double)tt_lanczos_limit(N, d) * (double)d : 0;
    return exact > lanczos ? exact : lanczos;
}

/* ==== The method ==== */

bool tt_find_cross_covariance(const tt_problem *problem, const tt_direction_options *options, tt_direction *direction,
                              tt_error *err) {
    tt_candidates candidates = {0};
    direction->solver = first_solver(problem->N, problem->d, options->solver);
    bool ok = true, certain = direction->solver != TT_SOLVER_LANCZOS;
    if (!certain) ok = tt_solve_lanczos(problem, &candidates, &certain, err);
    if (ok && !certain) direction->solver = exact_solver(problem->N, problem->d);
    if (ok && direction->solver != TT_SOLVER_LANCZOS) ok = solve_exactly(direction->solver, problem, &candidates, err);
    ok = ok && tt_compound(problem, &candidates, direction, err);
    tt_candidates_free(&candidates);
    return ok;
}
