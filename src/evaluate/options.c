/* options.c: see options.h */
#include "evaluate/options.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 1000 };

tt_evaluate_options tt_evaluate_defaults(void) {
    return (tt_evaluate_options){
        .samples = TT_EVALUATE_SAMPLES,
        .response_tokens = TT_EVALUATE_RESPONSE_TOKENS,
        .free_samples = TT_EVALUATE_WRITINGS,
        .damage_limit = TT_EVALUATE_DAMAGE_LIMIT,
        .other_axes = true,
        .resamples = RESAMPLES,
        .plan = {.prompts_per_system = TT_PLAN_PROMPTS_PER_SYSTEM, .held_out = TT_PLAN_HELD_OUT},
    };
}

void tt_evaluate_quicken(tt_evaluate_options *options) {
    options->samples = (options->samples + 2) / 3;
    options->free_samples = (options->free_samples + 3) / 4;
    options->other_axes = false;
}

static int by_number(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t tt_evaluate_values(const double *sizes, size_t count, bool quick, double *values) {
    static const double thorough[] = {0.25, 0.5, 0.75, 1, 1.25, 1.5, 2}, few[] = {0.5, 1, 1.5, 2};
    static_assert(TT_EVALUATE_USUAL == 2 * sizeof thorough / sizeof *thorough + 1);
    size_t all = 0;
    if (!count) {
        sizes = quick ? few : thorough;
        count = quick ? sizeof few / sizeof *few : sizeof thorough / sizeof *thorough;
    }
    values[all++] = 0;
    for (size_t i = 0; i < count; i++) {
        const double size = fabs(sizes[i]);
        bool known = false;
        for (size_t j = 0; j < all; j++) known = known || values[j] == size;
        if (known) continue;
        values[all++] = size;
        values[all++] = -size;
    }
    qsort(values, all, sizeof *values, by_number);
    return all;
}
