/* direction.c: checks the input and runs the requested method and solver. See direction.h. */
#include "directions/direction.h"

#include "directions/problem.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The methods of methods.def, one entry each. */
static const struct {
    bool (*find)(const tt_problem *problem, const tt_direction_options *options, tt_direction *direction, tt_error *err);
    double (*memory)(size_t N, size_t d, const tt_direction_options *options);
} methods[] = {
#define METHOD(id, name, function) [id] = {tt_find_##function, tt_memory_##function},
#include "directions/methods.def"
#undef METHOD
};

const char *const tt_method_names[] = {
#define METHOD(id, name, function) [id] = (name),
#include "directions/methods.def"
#undef METHOD
    NULL};

const char *const tt_solver_names[] = {
#define SOLVER(id, name) [id] = (name),
#include "directions/solvers.def"
#undef SOLVER
    NULL};

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

const char *tt_method_name(tt_method method) { return tt_method_names[method]; }

bool tt_method_parse(const char *name, tt_method *method, tt_error *err) {
    int value;
    if (!parse_name("method", tt_method_names, name, &value, err)) return false;
    *method = (tt_method)value;
    return true;
}

bool tt_solver_parse(const char *name, tt_solver *solver, tt_error *err) {
    int value;
    if (!parse_name("solver", tt_solver_names, name, &value, err)) return false;
    *solver = (tt_solver)value;
    return true;
}

/* ==== Memory ==== */

size_t tt_direction_memory(size_t N, size_t d, const tt_direction_options *options) {
    /* The means, the rows converted at once, and a few hundred passing eigenvectors, far more than usual. */
    const double values = 1024 * ((double)d + 2 * (double)N) + methods[options->method].memory(N, d, options);
    const double bytes = values * sizeof(double);
    return bytes < (double)SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

/* ==== Threads ==== */

/* OpenBLAS has one thread setting for the whole process, and only this code changes it. Concurrent solves share the
 * change: the first makes it and the last reverts it, so none sees it change midway. The counter is static because the
 * setting that it guards is global. */
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
        ok = methods[options->method].find(&problem, options, direction, err);
        return_threads(options->threads);
    }
    tt_problem_close(&problem);
    if (!ok) tt_direction_free(direction);
    return ok;
}
