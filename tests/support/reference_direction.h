/* reference_direction.h: the method of docs/method.md once more, as slowly and plainly as it can be written: loops, and
 * Jacobi's eigenvalue iteration. It shares no code with src/directions, and tests hold that against it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct reference_direction {
    bool found;
    size_t kept, accepted;
    double ratio, variance_reduction;
    double deviations[2], means[2], middle;
    double *unit; /* d; free() */
} reference_direction;

reference_direction reference_direction_find(const float *A, const float *B, size_t N, size_t d, double tolerance);
double reference_ratio(const double *a, const double *b, size_t N);

/* Replaces the symmetric n x n matrix by its unit eigenvectors, one a row, by Jacobi rotations. */
void reference_eigen(double *matrix, size_t n, double *eigenvalues);
