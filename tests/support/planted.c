/* planted.c: see planted.h */
#include "support/planted.h"

#include "base/random.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

double planted_normal(uint64_t seed, uint64_t index) {
    const double u = ((double)(tt_random_bits(seed, 1, index, 0) >> 11) + 1) / 9007199254740993.0;
    const double v = (double)(tt_random_bits(seed, 1, index, 1) >> 11) / 9007199254740992.0;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

planted planted_noise(size_t N, size_t d, double deviation, uint64_t seed) {
    planted data = {.N = N, .d = d, .A = calloc(N * d, sizeof(float)), .B = calloc(N * d, sizeof(float))};
    assert_true(data.A && data.B);
    for (size_t i = 0; i < N * d; i++) {
        data.A[i] = (float)(deviation * planted_normal(seed, 2 * i));
        data.B[i] = (float)(deviation * planted_normal(seed, 2 * i + 1));
    }
    return data;
}

void planted_shift(planted *data, size_t j, double shift_a, double shift_b) {
    for (size_t i = 0; i < data->N; i++) {
        data->A[i * data->d + j] += (float)shift_a;
        data->B[i * data->d + j] += (float)shift_b;
    }
}

void planted_free(planted *data) {
    free(data->A);
    free(data->B);
}

tt_direction find_direction(const planted *data, tt_method method, tt_solver solver) {
    const tt_direction_options options = {.method = method, .solver = solver, .tolerance = 0.5};
    tt_direction direction;
    tt_error err = {0};
    const bool ok = tt_direction_find(data->A, data->B, data->N, data->d, &options, &direction, &err);
    if (!ok) fail_msg("%s", err.message);
    return direction;
}

double cosine_of(const float *a, const float *b, size_t d) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t j = 0; j < d; j++) {
        ab += (double)a[j] * b[j];
        aa += (double)a[j] * a[j];
        bb += (double)b[j] * b[j];
    }
    return ab / sqrt(aa * bb);
}

void assert_near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g (+- %g)", value, expected, tolerance);
}

void planted_tail(planted *data, double tail) {
    for (size_t i = 0; i < data->N * data->d; i++) {
        const float scale = (float)pow((double)(i % data->d) + 1, -tail);
        data->A[i] *= scale, data->B[i] *= scale;
    }
}
