/* reference_direction.c: see reference_direction.h */
#include "support/reference_direction.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *values(size_t count) {
    double *array = calloc(count + 1, sizeof *array);
    if (!array) abort();
    return array;
}

double reference_ratio(const double *a, const double *b, size_t N) {
    double mean_a = 0, mean_b = 0;
    for (size_t i = 0; i < N; i++) mean_a += a[i] / (double)N;
    for (size_t i = 0; i < N; i++) mean_b += b[i] / (double)N;
    const double mean = (mean_a + mean_b) / 2;
    const double between = (double)N * pow(mean_a - mean, 2) + (double)N * pow(mean_b - mean, 2);
    double within = 0, energy = 0;
    for (size_t i = 0; i < N; i++) within += pow(a[i] - mean_a, 2) + pow(b[i] - mean_b, 2);
    for (size_t i = 0; i < N; i++) energy += a[i] * a[i] + b[i] * b[i];
    if (between == 0) return 0;
    const double least = pow(FLT_EPSILON, 2) * energy; /* as tt_discriminant_ratio documents */
    return between / (within > least ? within : least);
}

/* One rotation in the plane of p and q that makes matrix[p][q] zero; `vectors` collects the rotations, one a row. */
static void rotate(double *matrix, double *vectors, size_t n, size_t p, size_t q) {
    const double off = matrix[p * n + q];
    if (off == 0) return;
    const double theta = (matrix[q * n + q] - matrix[p * n + p]) / (2 * off);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        const double kp = matrix[k * n + p], kq = matrix[k * n + q];
        matrix[k * n + p] = c * kp - s * kq;
        matrix[k * n + q] = s * kp + c * kq;
    }
    for (size_t k = 0; k < n; k++) {
        const double pk = matrix[p * n + k], qk = matrix[q * n + k];
        matrix[p * n + k] = c * pk - s * qk;
        matrix[q * n + k] = s * pk + c * qk;
        const double vp = vectors[p * n + k], vq = vectors[q * n + k];
        vectors[p * n + k] = c * vp - s * vq;
        vectors[q * n + k] = s * vp + c * vq;
    }
}

void reference_eigen(double *matrix, size_t n, double *eigenvalues) {
    double *vectors = values(n * n);
    for (size_t i = 0; i < n; i++) vectors[i * n + i] = 1;
    double all = 0;
    for (size_t i = 0; i < n * n; i++) all += matrix[i] * matrix[i];
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) off += matrix[p * n + q] * matrix[p * n + q];
        if (off <= 1e-30 * all) break;
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) rotate(matrix, vectors, n, p, q);
    }
    for (size_t i = 0; i < n; i++) eigenvalues[i] = matrix[i * n + i];
    memcpy(matrix, vectors, n * n * sizeof *vectors);
    free(vectors);
}

static void project(const float *rows, size_t N, size_t d, const double *vector, double *scores) {
    for (size_t i = 0; i < N; i++) {
        scores[i] = 0;
        for (size_t j = 0; j < d; j++) scores[i] += rows[i * d + j] * vector[j];
    }
}

typedef struct kept_vector {
    double ratio, size;
    double *w; /* mean(b) v */
} kept_vector;

static int descending(const void *left, const void *right) {
    const kept_vector *a = left, *b = right;
    if (a->ratio != b->ratio) return a->ratio > b->ratio ? -1 : 1;
    return a->size > b->size ? -1 : a->size < b->size;
}

typedef struct block {
    const float *A, *B;
    size_t N, d;
    double rounding; /* scores with less energy than this count as zero */
    double *a, *b;   /* scores */
} block;

static double ratio_along(block *self, const double *unit) {
    project(self->A, self->N, self->d, unit, self->a);
    project(self->B, self->N, self->d, unit, self->b);
    double energy = 0;
    for (size_t i = 0; i < self->N; i++) energy += self->a[i] * self->a[i] + self->b[i] * self->b[i];
    return energy > self->rounding ? reference_ratio(self->a, self->b, self->N) : 0;
}

static double mean_of(const double *array, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += array[i];
    return sum / (double)count;
}

static double variance_of(const double *array, size_t count) {
    const double mean = mean_of(array, count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (array[i] - mean) * (array[i] - mean);
    return sum / (double)count;
}

/* Step 2 and 3: the eigenvectors that pass, times their shift, best first. */
static kept_vector *keep(block *self, double tolerance, size_t *count) {
    const size_t N = self->N, d = self->d;
    double *M = values(d * d), *eigenvalues = values(d);
    for (size_t i = 0; i < N; i++)
        for (size_t p = 0; p < d; p++)
            for (size_t q = 0; q < d; q++)
                M[p * d + q] +=
                    ((double)self->A[i * d + p] * self->B[i * d + q] + (double)self->B[i * d + p] * self->A[i * d + q]) / 2;
    reference_eigen(M, d, eigenvalues);
    kept_vector *kept = calloc(d + 1, sizeof *kept);
    if (!kept) abort();
    *count = 0;
    for (size_t i = 0; i < d; i++) {
        const double ratio = ratio_along(self, M + i * d);
        if (ratio < tolerance || ratio == 0) continue;
        double *w = values(d);
        for (size_t j = 0; j < d; j++) w[j] = mean_of(self->b, N) * M[i * d + j];
        kept[(*count)++] = (kept_vector){.ratio = ratio, .size = fabs(eigenvalues[i]), .w = w};
    }
    qsort(kept, *count, sizeof *kept, descending);
    free(M);
    free(eigenvalues);
    return kept;
}

static bool normalise(const double *vector, size_t d, double *unit) {
    double length = 0;
    for (size_t j = 0; j < d; j++) length += vector[j] * vector[j];
    for (size_t j = 0; j < d; j++) unit[j] = length > 0 ? vector[j] / sqrt(length) : 0;
    return length > 0;
}

/* Step 6. */
static void measure(block *self, reference_direction *direction) {
    const size_t N = self->N;
    direction->ratio = ratio_along(self, direction->unit);
    double *both = values(2 * N);
    memcpy(both, self->a, N * sizeof *both);
    memcpy(both + N, self->b, N * sizeof *both);
    const double variance_a = variance_of(self->a, N), variance_b = variance_of(self->b, N);
    const double reduction = 1 - (variance_a + variance_b) / (2 * variance_of(both, 2 * N));
    direction->variance_reduction = reduction > 0 ? reduction : 0;
    direction->deviations[0] = sqrt(variance_a);
    direction->deviations[1] = sqrt(variance_b);
    direction->means[0] = mean_of(self->a, N);
    direction->means[1] = mean_of(self->b, N);
    direction->middle = (direction->means[0] + direction->means[1]) / 2;
    free(both);
}

reference_direction reference_direction_find(const float *A, const float *B, size_t N, size_t d, double tolerance) {
    block self = {.A = A, .B = B, .N = N, .d = d, .a = values(N), .b = values(N)};
    for (size_t i = 0; i < N * d; i++) self.rounding += (double)A[i] * A[i] + (double)B[i] * B[i];
    self.rounding *= pow(FLT_EPSILON, 2);
    reference_direction direction = {.unit = values(d)};
    kept_vector *kept = keep(&self, tolerance, &direction.kept);
    double *s = values(d), *trial = values(d), best = 0;
    for (size_t i = 0; i < direction.kept; i++) { /* step 4 */
        for (size_t j = 0; j < d; j++) trial[j] = s[j] + kept[i].w[j];
        if (!normalise(trial, d, direction.unit)) continue;
        const double ratio = ratio_along(&self, direction.unit);
        if (!(ratio > best + tolerance)) continue;
        memcpy(s, trial, d * sizeof *s);
        best = ratio;
        direction.accepted++;
    }
    direction.found = direction.accepted > 0;
    if (direction.found && normalise(s, d, direction.unit)) measure(&self, &direction);
    for (size_t i = 0; i < direction.kept; i++) free(kept[i].w);
    free(kept);
    free(s);
    free(trial);
    free(self.a);
    free(self.b);
    return direction;
}
