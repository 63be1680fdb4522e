/* bench_solver.c: how long the solvers of the directions room take on planted data, as one line of JSON.
 *
 *   bench_solver D N SEED SOLVER...       e.g. bench_solver 4096 1366 1 dense reduced lanczos
 *
 * The data: normal noise, whose scale falls with the dimension as hidden states' does when TAIL is set in the environment
 * (the scale of dimension j is j^-TAIL; 0 by default), and three planted shifts, one of them opposed. Every solver gets the
 * same data; "cosine" is the direction's against the first solver's. Run by bench/bench.py. */
#include "base/random.h"
#include "directions/direction.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Two standard normal values (Box and Muller). */
static void normals(uint64_t seed, uint64_t index, double pair[2]) {
    const uint64_t bits = tt_random_bits(seed, 0, index, 0);
    const double u = ((double)(bits >> 32) + 1) / 4294967297.0, v = (double)(bits & UINT32_MAX) / 4294967296.0;
    const double radius = sqrt(-2 * log(u));
    pair[0] = radius * cos(6.283185307179586 * v);
    pair[1] = radius * sin(6.283185307179586 * v);
}

static void fill(float *A, float *B, size_t N, size_t d, uint64_t seed, double tail) {
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < d; j++) {
            double pair[2];
            normals(seed, i * d + j, pair);
            const double scale = pow((double)j + 1, -tail);
            A[i * d + j] = (float)(scale * pair[0]);
            B[i * d + j] = (float)(scale * pair[1]);
        }
    static const struct {
        double place, shift_a, shift_b; /* the shifts in standard deviations of their dimension */
    } shifts[] = {{0.1, -2.5, 2.5}, {0.4, 3, 0.5}, {0.7, 4, 4}};
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
        const size_t j = (size_t)(shifts[s].place * (double)d);
        const double scale = pow((double)j + 1, -tail);
        for (size_t i = 0; i < N; i++) {
            A[i * d + j] += (float)(scale * shifts[s].shift_a);
            B[i * d + j] += (float)(scale * shifts[s].shift_b);
        }
    }
}

static double cosine(const tt_direction *left, const tt_direction *right, size_t d) {
    if (!left->found || !right->found) return left->found == right->found ? 1 : 0;
    double both = 0, one = 0, other = 0;
    for (size_t j = 0; j < d; j++) {
        both += (double)left->unit[j] * right->unit[j];
        one += (double)left->unit[j] * left->unit[j];
        other += (double)right->unit[j] * right->unit[j];
    }
    return both / sqrt(one * other);
}

static bool run(const float *A, const float *B, size_t N, size_t d, const char *name, tt_direction *first, bool is_first) {
    tt_direction_options options = {.tolerance = 0.5};
    tt_direction direction;
    tt_error err = {0};
    if (!tt_solver_parse(name, &options.solver, &err)) return fprintf(stderr, "bench_solver: %s\n", err.message), false;
    const double begin = seconds(CLOCK_MONOTONIC), cpu_begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (!tt_direction_find(A, B, N, d, &options, &direction, &err))
        return fprintf(stderr, "bench_solver: %s\n", err.message), false;
    const double took = seconds(CLOCK_MONOTONIC) - begin, cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s{\"solver\": \"%s\", \"used\": \"%s\", \"seconds\": %.4f, \"cpu_seconds\": %.4f, \"kept\": %zu, \"accepted\": "
           "%zu, \"eigenpairs\": %zu, "
           "\"ratio\": %.6g, \"cosine\": %.9f, \"peak_kib\": %ld, \"estimated_kib\": %zu}",
           is_first ? "" : ", ", name, tt_solver_names[direction.solver], took, cpu, direction.kept, direction.accepted,
           direction.eigenpairs, direction.discriminant_ratio, cosine(is_first ? &direction : first, &direction, d),
           usage.ru_maxrss, tt_direction_memory(N, d, &options) / 1024);
    fflush(stdout);
    if (is_first)
        *first = direction;
    else
        tt_direction_free(&direction);
    return true;
}

int main(int argc, char **argv) {
    const long d = argc > 4 ? strtol(argv[1], NULL, 10) : 0, N = argc > 4 ? strtol(argv[2], NULL, 10) : 0;
    if (d < 1 || N < 2) return fprintf(stderr, "usage: bench_solver D N SEED SOLVER...\n"), 2;
    const char *tail = getenv("TAIL");
    float *A = malloc((size_t)N * (size_t)d * sizeof *A), *B = malloc((size_t)N * (size_t)d * sizeof *B);
    bool ok = A && B;
    if (ok) fill(A, B, (size_t)N, (size_t)d, strtoull(argv[3], NULL, 10), tail ? strtod(tail, NULL) : 0);
    tt_direction first = {0};
    printf("{\"d\": %ld, \"N\": %ld, \"runs\": [", d, N);
    for (int i = 4; ok && i < argc; i++) ok = run(A, B, (size_t)N, (size_t)d, argv[i], &first, i == 4);
    printf("]}\n");
    tt_direction_free(&first);
    free(A);
    free(B);
    return ok ? 0 : 1;
}
