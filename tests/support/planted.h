/* planted.h: synthetic contributions with known directions in them, for the tests of the directions room. */
#pragma once

#include "directions/direction.h"

#include <stdint.h>

typedef struct planted {
    size_t N, d;
    float *A, *B; /* N x d */
} planted;

/* A standard normal value (Box and Muller) that depends on its coordinates alone. */
double planted_normal(uint64_t seed, uint64_t index);

/* Normal noise in both classes. Ends with planted_free. */
planted planted_noise(size_t N, size_t d, double deviation, uint64_t seed);
void planted_free(planted *data);

/* Adds shift_a to every value of column j in A, shift_b in B: plants the axis e_j. */
void planted_shift(planted *data, size_t j, double shift_a, double shift_b);

/* Scales dimension j by (j + 1)^-tail, as the sizes of hidden dimensions fall. */
void planted_tail(planted *data, double tail);

/* tt_direction_find with the reference's tolerance; fails the test with its message if it fails. */
tt_direction find_direction(const planted *data, tt_method method, tt_solver solver);

double cosine_of(const float *a, const float *b, size_t d);
void assert_near(double value, double expected, double tolerance);
