/* compound.c: the eigenvectors that separate the classes, and their greedy sum (docs/method.md, "The compound"). */
#include "base/memory.h"
#include "directions/problem.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool tt_candidates_offer(tt_candidates *candidates, const tt_problem *problem, double eigenvalue, const double *vector,
                         size_t vector_length, const double *scores, tt_error *err) {
    const size_t rank = candidates->examined++;
    const double ratio = tt_problem_ratio(problem, scores, 1);
    if (!(ratio >= problem->tolerance) || ratio == 0) return true; /* 0 also if the tolerance is 0 */
    if (!tt_grow(&candidates->items, &candidates->capacity, candidates->count, sizeof *candidates->items, err)) return false;
    tt_candidate *candidate = &candidates->items[candidates->count];
    *candidate = (tt_candidate){.ratio = ratio, .eigenvalue = eigenvalue, .rank = rank};
    candidate->vector = tt_alloc(vector_length, sizeof(double), err);
    candidate->scores = tt_alloc(2 * problem->N, sizeof(double), err);
    candidates->count++;
    if (!candidate->vector || !candidate->scores) return false;
    memcpy(candidate->vector, vector, vector_length * sizeof(double));
    memcpy(candidate->scores, scores, 2 * problem->N * sizeof(double));
    return true;
}

void tt_candidates_free(tt_candidates *candidates) {
    for (size_t i = 0; i < candidates->count; i++) {
        free(candidates->items[i].vector);
        free(candidates->items[i].scores);
    }
    free(candidates->items);
    *candidates = (tt_candidates){0};
}

/* By ratio, descending; ties by size of the eigenvalue, then by place, so that the order is unique. */
static int compare(const void *left, const void *right) {
    const tt_candidate *a = left, *b = right;
    if (a->ratio != b->ratio) return a->ratio > b->ratio ? -1 : 1;
    if (fabs(a->eigenvalue) != fabs(b->eigenvalue)) return fabs(a->eigenvalue) > fabs(b->eigenvalue) ? -1 : 1;
    return a->rank < b->rank ? -1 : 1;
}

/* s += shift v, where v's length makes the sum's: what both the vector and its scores do, since scores are linear. */
static void add(double *sum, double shift, const double *values, size_t count) {
    cblas_daxpy((int)count, shift, values, 1, sum, 1);
}

/* Adds to `sum` (d) the candidates that raise the ratio by more than the tolerance; returns how many. `scratch` has room
 * for d + 4N values. */
static size_t accept(const tt_problem *problem, const tt_candidates *candidates, double *sum, double *scratch) {
    const size_t d = problem->d, rows = 2 * problem->N;
    double *trial = scratch, *scores = scratch + d, *trial_scores = scores + rows;
    double best = 0;
    size_t accepted = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const tt_candidate *candidate = &candidates->items[i];
        double shift = 0; /* mean(b): w = mean(b) v points to the positive class, whatever the sign of v */
        for (size_t row = problem->N; row < rows; row++) shift += candidate->scores[row];
        shift /= (double)problem->N;
        memcpy(trial, sum, d * sizeof(double));
        memcpy(trial_scores, scores, rows * sizeof(double));
        add(trial, shift, candidate->vector, d);
        add(trial_scores, shift, candidate->scores, rows);
        /* J does not depend on the vector's length: no need to normalise it. */
        const double ratio = tt_problem_ratio(problem, trial_scores, cblas_dnrm2((int)d, trial, 1));
        if (!(ratio > best + problem->tolerance)) continue;
        memcpy(sum, trial, d * sizeof(double));
        memcpy(scores, trial_scores, rows * sizeof(double));
        best = ratio;
        accepted++;
    }
    return accepted;
}

bool tt_compound(const tt_problem *problem, tt_candidates *candidates, tt_direction *direction, tt_error *err) {
    const size_t d = problem->d;
    direction->kept = candidates->count;
    direction->eigenpairs = candidates->examined;
    if (candidates->count == 0) return true;
    qsort(candidates->items, candidates->count, sizeof *candidates->items, compare);
    double *sum = tt_alloc(2 * d + 4 * problem->N, sizeof(double), err); /* the sum, then accept's scratch */
    if (!sum) return false;
    direction->accepted = accept(problem, candidates, sum, sum + d);
    const double length = cblas_dnrm2((int)d, sum, 1);
    bool ok = true;
    if (direction->accepted > 0 && length > 0) {
        cblas_dscal((int)d, 1 / length, sum, 1);
        ok = tt_problem_measure(problem, sum, direction, err);
    }
    free(sum);
    return ok;
}
