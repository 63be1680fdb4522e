/* ratio.c: the metrics of a set of scores: how far apart two classes are along one direction, relative to their
 * spread. */
#include "base/memory.h"
#include "directions/problem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static double mean_of(const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    return sum / (double)count;
}

/* The sum of squares about `centre`, in two passes, since a sum of squares minus a squared sum cancels. */
static double scatter_of(const double *values, size_t count, double centre) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (values[i] - centre) * (values[i] - centre);
    return sum;
}

double tt_discriminant_ratio(const double *a, const double *b, size_t N) {
    const double n = (double)N;
    const double mean_a = mean_of(a, N), mean_b = mean_of(b, N);
    const double middle = (mean_a + mean_b) / 2; /* the classes are equally large: the mean of all 2N */
    const double between = n * (mean_a - middle) * (mean_a - middle) + n * (mean_b - middle) * (mean_b - middle);
    if (between == 0) return 0;
    const double energy = scatter_of(a, N, 0) + scatter_of(b, N, 0);
    const double within = scatter_of(a, N, mean_a) + scatter_of(b, N, mean_b);
    return between / fmax(within, (double)FLT_EPSILON * FLT_EPSILON * energy);
}

bool tt_problem_measure(const tt_problem *problem, const double *unit, tt_direction *direction, tt_error *err) {
    const size_t N = problem->N;
    double *scores = tt_alloc(2 * N, sizeof(double), err);
    direction->unit = scores ? tt_alloc(problem->d, sizeof(float), err) : NULL;
    if (!direction->unit || !tt_problem_scores(problem, unit, 1, scores, err)) {
        free(scores);
        tt_direction_free(direction);
        return false;
    }
    double within = 0;
    for (int side = 0; side < 2; side++) {
        const double *part = scores + (size_t)side * N;
        direction->means[side] = mean_of(part, N);
        const double scatter = scatter_of(part, N, direction->means[side]);
        direction->deviations[side] = sqrt(scatter / (double)N);
        within += scatter;
    }
    direction->middle = (direction->means[0] + direction->means[1]) / 2;
    direction->discriminant_ratio = tt_problem_ratio(problem, scores, 1);
    /* Variances divide by the count (N, and 2N for both together), so their ratio is that of the sums of squares. */
    const double total = scatter_of(scores, 2 * N, direction->middle);
    direction->variance_reduction = total > 0 ? fmax(0, 1 - within / total) : 0;
    for (size_t j = 0; j < problem->d; j++) direction->unit[j] = (float)unit[j];
    direction->found = true;
    free(scores);
    return true;
}

bool tt_problem_measure_single(const tt_problem *problem, const double *unit, tt_direction *direction, tt_error *err) {
    bool any = false;
    for (size_t j = 0; j < problem->d; j++) any = any || unit[j] != 0;
    if (!any) return true;
    if (!tt_problem_measure(problem, unit, direction, err)) return false;
    direction->kept = direction->accepted = direction->eigenpairs = 1;
    return true;
}

void tt_direction_free(tt_direction *direction) {
    free(direction->unit);
    *direction = (tt_direction){0};
}
