/* direction.c: the room's door: checks the input, runs the method and the solver that were asked for. See direction.h. */
#include "directions/direction.h"

#include "base/memory.h"
#include "directions/problem.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const method_names[] = {"cross-covariance", "mean-difference", "pca", NULL};
static const char *const solver_names[] = {"auto", "dense", "reduced", "lanczos", NULL};

static bool parse_name(const char *what, const char *const *names, const char *name, int *value, tt_error *err) {
    for (int i = 0; names[i]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *value = i;
        return true;
    }
    tt_fail(err, TT_ERROR_USAGE, "there is no %s \"%s\"; choose one of:", what, name);
    for (int i = 0; err && names[i]; i++) {
        const size_t length = strlen(err->message);
        snprintf(err->message + length, sizeof err->message - length, "%s %s", i ? "," : "", names[i]);
    }
    return false;
}

const char *tt_method_name(tt_method method) { return method_names[method]; }
const char *tt_solver_name(tt_solver solver) { return solver_names[solver]; }

bool tt_method_parse(const char *name, tt_method *method, tt_error *err) {
    int value;
    if (!parse_name("method", method_names, name, &value, err)) return false;
    *method = (tt_method)value;
    return true;
}

bool tt_solver_parse(const char *name, tt_solver *solver, tt_error *err) {
    int value;
    if (!parse_name("solver", solver_names, name, &value, err)) return false;
    *solver = (tt_solver)value;
    return true;
}

void tt_direction_free(tt_direction *direction) {
    free(direction->unit);
    *direction = (tt_direction){0};
}

/* ==== Which solver ==== */

/* The exact solver that takes less: the time grows with the cube of its order. */
static tt_solver exact_solver(size_t N, size_t d) { return 2 * N < d ? TT_SOLVER_REDUCED : TT_SOLVER_DENSE; }

/* Up to this order the exact solvers take a second or two, and need no argument for being complete. */
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

/* The matrix, and LAPACK's workspace of two more like it; the reduction also holds its factor, twice. */
static double exact_values(tt_solver solver, size_t N, size_t d) {
    return solver == TT_SOLVER_DENSE ? 3 * square(d) + 256 * (double)(2 * N + 2 * d)
                                     : 5 * square(2 * N) + 512 * (double)(2 * N);
}

size_t tt_direction_memory(size_t N, size_t d, const tt_direction_options *options) {
    /* The means, the rows converted at a time, and a few hundred eigenvectors that pass, which is far more than usual. */
    double values = 1024 * ((double)d + 2 * (double)N);
    if (options->method == TT_METHOD_PCA) values += (double)N * (double)d + 2 * square(N < d ? N : d);
    if (options->method == TT_METHOD_CROSS_COVARIANCE) {
        const tt_solver first = first_solver(N, d, options->solver);
        /* Lanczos gives up in favour of an exact solver: that one's memory must be there too. */
        const double exact = exact_values(first == TT_SOLVER_LANCZOS ? exact_solver(N, d) : first, N, d);
        const double lanczos = first == TT_SOLVER_LANCZOS ? (double)tt_lanczos_limit(N, d) * (double)d : 0;
        values += exact > lanczos ? exact : lanczos;
    }
    const double bytes = values * sizeof(double);
    return bytes < (double)SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/* ==== The methods ==== */

static bool find_by_cross_covariance(const tt_problem *problem, tt_solver asked, tt_direction *direction, tt_error *err) {
    tt_candidates candidates = {0};
    direction->solver = first_solver(problem->N, problem->d, asked);
    bool ok = true, certain = direction->solver != TT_SOLVER_LANCZOS;
    if (!certain) ok = tt_solve_lanczos(problem, &candidates, &certain, err);
    if (ok && !certain) direction->solver = exact_solver(problem->N, problem->d);
    if (ok && direction->solver != TT_SOLVER_LANCZOS) ok = solve_exactly(direction->solver, problem, &candidates, err);
    ok = ok && tt_compound(problem, &candidates, direction, err);
    tt_candidates_free(&candidates);
    return ok;
}

/* mean(B) - mean(A), made of length 1; zeros where that is no more than rounding. */
static void mean_difference(const tt_problem *problem, double *unit) {
    const size_t d = problem->d;
    for (size_t j = 0; j < d; j++) unit[j] = problem->means[1][j] - problem->means[0][j];
    const double length = cblas_dnrm2((int)d, unit, 1);
    const bool real = length * length * (double)problem->N > problem->rounding;
    cblas_dscal((int)d, real ? 1 / length : 0, unit, 1);
}

/* The methods which have one vector and accept it as it is, unless the classes are the same. */
static bool find_single(const tt_problem *problem, tt_method method, tt_direction *direction, tt_error *err) {
    double *unit = tt_alloc(problem->d, sizeof(double), err);
    if (!unit) return false;
    bool ok = true;
    if (method == TT_METHOD_PCA) ok = tt_principal_component(problem, unit, err);
    if (ok && method == TT_METHOD_MEAN_DIFFERENCE) mean_difference(problem, unit);
    if (ok && cblas_dnrm2((int)problem->d, unit, 1) > 0) {
        ok = tt_problem_measure(problem, unit, direction, err);
        direction->kept = direction->accepted = direction->eigenpairs = ok ? 1 : 0;
    }
    free(unit);
    return ok;
}

/* ==== Threads ==== */

/* OpenBLAS' number of threads is one setting for the whole process, and this is the only place that changes it. Solves that
 * run side by side share the change: the first one makes it, the last one takes it back, so that none of them sees it change
 * under way. That is why this counter is static: it guards something that is so itself. */
static struct {
    pthread_mutex_t lock;
    size_t users;
    int before;
} thread_setting = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_threads(int threads) {
    if (threads <= 0) return;
    pthread_mutex_lock(&thread_setting.lock);
    if (thread_setting.users++ == 0) {
        thread_setting.before = openblas_get_num_threads();
        if (threads != thread_setting.before) openblas_set_num_threads(threads);
    }
    pthread_mutex_unlock(&thread_setting.lock);
}

static void return_threads(int threads) {
    if (threads <= 0) return;
    pthread_mutex_lock(&thread_setting.lock);
    if (--thread_setting.users == 0 && openblas_get_num_threads() != thread_setting.before)
        openblas_set_num_threads(thread_setting.before);
    pthread_mutex_unlock(&thread_setting.lock);
}

bool tt_direction_find(const float *A, const float *B, size_t N, size_t d, const tt_direction_options *options,
                       tt_direction *direction, tt_error *err) {
    *direction = (tt_direction){0};
    tt_problem problem;
    bool ok = tt_problem_open(&problem, A, B, N, d, options->tolerance, err);
    if (ok) {
        take_threads(options->threads);
        ok = options->method == TT_METHOD_CROSS_COVARIANCE
                 ? find_by_cross_covariance(&problem, options->solver, direction, err)
                 : find_single(&problem, options->method, direction, err);
        return_threads(options->threads);
    }
    tt_problem_close(&problem);
    if (!ok) tt_direction_free(direction);
    return ok;
}
