/* evaluation.c: see evaluation.h */
#include "evaluate/evaluation.h"

#include <math.h>
#include <stdlib.h>

void tt_evaluation_free(tt_evaluation *evaluation) {
    for (size_t i = 0; i < evaluation->axis_count; i++) {
        tt_axis_evaluation *axis = &evaluation->axes[i];
        free(axis->name);
        free(axis->classes[0]);
        free(axis->classes[1]);
        free(axis->method);
        free(axis->blocks);
        free(axis->unsteered.text);
        for (size_t value = 0; value < axis->value_count; value++) free(axis->values[value].text);
        free(axis->values);
        free(axis->samples.gained);
        free(axis->samples.to_gain);
        free(axis->samples.lost);
        free(axis->samples.tokens);
        free(axis->others[0]);
        free(axis->others[1]);
    }
    free(evaluation->axes);
    free(evaluation->model_name);
    free(evaluation->model_description);
    free(evaluation->fingerprint);
    free(evaluation->similarity);
    *evaluation = (tt_evaluation){0};
}

const tt_value_figures *tt_evaluation_at(const tt_axis_evaluation *axis, double value) {
    for (size_t i = 0; i < axis->value_count; i++)
        if (fabs(axis->values[i].value - value) < 1e-6) return &axis->values[i];
    return NULL;
}

const tt_value_figures *tt_evaluation_near(const tt_axis_evaluation *axis, double end) {
    const tt_value_figures *nearest = NULL;
    for (size_t i = 0; i < axis->value_count; i++) {
        const double value = axis->values[i].value;
        if (value * end > 0 && (!nearest || fabs(value - end) < fabs(nearest->value - end))) nearest = &axis->values[i];
    }
    return nearest;
}
