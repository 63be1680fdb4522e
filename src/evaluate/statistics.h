/* statistics.h: estimates with their uncertainty, and how much a text repeats itself. Pure: arrays in, numbers out. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A figure and its 95% interval; all three are NaN where the figure cannot be told. */
typedef struct tt_estimate {
    double value, low, high;
} tt_estimate;

/* The ratio of two sums over `count` samples, sum(numerators) / sum(denominators), with the percentile interval of
 * `resamples` bootstrap draws of the samples (Efron, 1979). The draws depend on the seed alone, so that figures of the same
 * samples are resampled alike. Cannot be told where the denominators' sum is not positive. `denominators` NULL: all are 1,
 * and the estimate is the mean. False only for want of memory. */
bool tt_estimate_ratio(const double *numerators, const double *denominators, size_t count, size_t resamples, uint64_t seed,
                       tt_estimate *estimate, tt_error *err);

/* Distinct n-grams as a share of all n-grams of `count` tokens (Li et al., 2016); 1 for a text with none. */
double tt_distinct_share(const int32_t *tokens, size_t count, size_t n);
