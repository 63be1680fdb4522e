/* statistics.c: see statistics.h */
#include "evaluate/statistics.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which `share` of the sorted values lie, interpolated. */
static double quantile(const double *sorted, size_t count, double share) {
    const double place = share * (double)(count - 1);
    const size_t below = (size_t)place;
    return below + 1 < count ? sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below])
                             : sorted[count - 1];
}

bool tt_estimate_ratio(const double *numerators, const double *denominators, size_t count, size_t resamples, uint64_t seed,
                       tt_estimate *estimate, tt_error *err) {
    *estimate = (tt_estimate){NAN, NAN, NAN};
    double numerator = 0, denominator = 0;
    for (size_t i = 0; i < count; i++) {
        numerator += numerators[i];
        denominator += denominators ? denominators[i] : 1;
    }
    if (!(denominator > 0)) return true;
    double *ratios = tt_alloc(resamples, sizeof *ratios, err);
    if (!ratios) return false;
    const uint64_t stream = tt_random_stream("bootstrap");
    size_t told = 0;
    for (size_t b = 0; b < resamples; b++) {
        double above = 0, below = 0;
        for (size_t i = 0; i < count; i++) {
            const size_t drawn = (size_t)tt_random_below(seed, stream, b, i, count);
            above += numerators[drawn];
            below += denominators ? denominators[drawn] : 1;
        }
        if (below > 0) ratios[told++] = above / below;
    }
    estimate->value = numerator / denominator;
    if (told) {
        qsort(ratios, told, sizeof *ratios, by_value);
        estimate->low = quantile(ratios, told, 0.025);
        estimate->high = quantile(ratios, told, 0.975);
    }
    free(ratios);
    return true;
}

double tt_distinct_share(const int32_t *tokens, size_t count, size_t n) {
    if (count < n || n == 0) return 1;
    const size_t grams = count - n + 1;
    size_t distinct = 0;
    for (size_t i = 0; i < grams; i++) { /* quadratic, over a hundred tokens */
        size_t earlier = 0;
        while (earlier < i && memcmp(tokens + earlier, tokens + i, n * sizeof *tokens) != 0) earlier++;
        distinct += earlier == i;
    }
    return (double)distinct / (double)grams;
}
