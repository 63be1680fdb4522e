/* softmax.h: sums over a vocabulary. Private to model/. */
#pragma once

#include <math.h>
#include <stddef.h>

/* log(sum of exp(logits[i])), without overflow. The terms are F32, their sum is not. */
static inline double tt_log_sum_exp(const float *logits, size_t count) {
    float greatest = logits[0];
    for (size_t i = 1; i < count; i++) greatest = logits[i] > greatest ? logits[i] : greatest;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)expf(logits[i] - greatest);
    return (double)greatest + log(sum);
}
