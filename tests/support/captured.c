/* captured.c: see captured.h */
#include "support/captured.h"
#include "base/memory.h"

#include <cmocka.h>
#include <math.h>

float *test_capture_all(tt_model *model, const tt_tokens *prompts, size_t count, bool plain, tt_capture_counts *counts,
                        const char *name) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    tt_error err = {0};
    float *contributions = tt_alloc(count * facts->blocks * facts->width, sizeof *contributions, &err);
    assert_non_null(contributions);
    tt_capture *capture = tt_capture_open(model, &(tt_capture_options){.plain = plain}, &err);
    if (!capture || !tt_capture_run(capture, prompts, count, NULL, contributions, &err))
        fail_msg("%s: %s", name, err.message);
    if (counts) *counts = tt_capture_counts_of(capture);
    tt_capture_close(capture);
    return contributions;
}

double test_relative_error(const float *a, const float *b, size_t count) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += (double)b[i] * b[i];
    }
    return sqrt(difference / norm);
}
