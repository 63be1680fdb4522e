/* compare.c: see compare.h */
#include "vectors/compare.h"

#include <math.h>

/* Adds row K's part to the three sums of a cosine. */
static void add_products(const tt_vector *a, const tt_vector *b, uint32_t K, double sums[static 3]) {
    const float *x = K < a->layer_count ? a->rows[K] : NULL, *y = K < b->layer_count ? b->rows[K] : NULL;
    for (uint32_t i = 0; i < a->width; i++) {
        const double p = x ? (double)x[i] : 0, q = y ? (double)y[i] : 0;
        sums[0] += p * q;
        sums[1] += p * p;
        sums[2] += q * q;
    }
}

double tt_vector_cosine(const tt_vector *a, const tt_vector *b, uint32_t K) {
    double sums[3] = {0};
    const uint32_t layers = a->layer_count > b->layer_count ? a->layer_count : b->layer_count;
    if (K)
        add_products(a, b, K, sums);
    else
        for (uint32_t k = 1; k < layers; k++) add_products(a, b, k, sums);
    if (!(sums[1] > 0 && sums[2] > 0)) return 0;
    return fmax(-1, fmin(1, sums[0] / (sqrt(sums[1]) * sqrt(sums[2])))); /* rounding may go slightly beyond */
}

double tt_safe_scale(const double *R, const double *weights, size_t n) {
    double sum = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(weights[i]));
        for (size_t j = 0; j < n; j++) sum += weights[i] * R[i * n + j] * weights[j];
    }
    return sum > 0 ? largest / sqrt(sum) : INFINITY;
}
