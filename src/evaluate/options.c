/* options.c: see options.h */
#include "evaluate/options.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 1000 };

tt_evaluate_options tt_evaluate_defaults(void) {
    return (tt_evaluate_options){
        .samples = TT_EVALUATE_SAMPLES,
        .text_tokens = TT_EVALUATE_TEXT_TOKENS,
        .coherence_limit = TT_EVALUATE_COHERENCE_LIMIT,
        .relevance_limit = TT_EVALUATE_RELEVANCE_LIMIT,
        .other_axes = true,
        .resamples = RESAMPLES,
        .plan = {.prompts_per_system = TT_PLAN_PROMPTS_PER_SYSTEM, .held_out = TT_PLAN_HELD_OUT},
    };
}

static int by_number(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t tt_evaluate_values(const double *sizes, size_t count, double *values) {
    size_t all = 0;
    for (size_t i = 0; i < count; i++) {
        const double size = fabs(sizes[i]);
        bool known = false;
        for (size_t j = 0; j < all; j++) known = known || values[j] == size;
        if (known) continue;
        values[all++] = size;
        if (size > 0) values[all++] = -size;
    }
    qsort(values, all, sizeof *values, by_number);
    return all;
}
