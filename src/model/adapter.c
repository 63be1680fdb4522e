/* adapter.c: see adapter.h */
#include "model/adapter.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool has_rows(const tt_steering *steering) {
    for (size_t K = 1; steering && K < steering->row_count; K++)
        if (steering->rows[K]) return true;
    return false;
}

static bool is_zero(const float *row, size_t width) {
    for (size_t i = 0; i < width; i++)
        if (row[i] != 0) return false;
    return true;
}

bool tt_adapter_can(const tt_steering *steering) { return !tt_steering_row(steering, 0); }

bool tt_adapter_is(const tt_adapter *adapter, const tt_model *model, const tt_steering *steering) {
    if (!adapter->rows) return !has_rows(steering);
    if (!has_rows(steering)) return false;
    const size_t width = model->facts.width;
    for (size_t K = 1; K < model->facts.blocks; K++) {
        const float *given = adapter->rows + (K - 1) * width, *wanted = tt_steering_row(steering, K);
        if (wanted ? memcmp(given, wanted, width * sizeof *given) != 0 : !is_zero(given, width)) return false;
    }
    return true;
}

/* The rows one behind the other, as libllama takes them. */
static float *join_rows(const tt_model *model, const tt_steering *steering, tt_error *err) {
    const size_t width = model->facts.width, blocks = model->facts.blocks;
    float *joined = tt_alloc((blocks - 1) * width, sizeof *joined, err);
    for (size_t K = 1; joined && K < blocks; K++) {
        const float *row = tt_steering_row(steering, K);
        if (row) memcpy(joined + (K - 1) * width, row, width * sizeof *joined);
    }
    return joined;
}

static bool give(struct llama_context *context, const tt_model *model, const float *rows) {
    const size_t size = (size_t)(model->facts.blocks - 1) * model->facts.width;
    return llama_set_adapter_cvec(context, rows, rows ? size : 0, (int32_t)model->facts.width, 1,
                                  (int32_t)model->facts.blocks - 1) == 0;
}

bool tt_adapter_set(tt_adapter *adapter, struct llama_context *context, tt_model *model, const tt_steering *steering,
                    tt_error *err) {
    if (tt_adapter_is(adapter, model, steering)) return true;
    const bool wanted = has_rows(steering);
    if (wanted && !tt_model_check_steerable(model, err)) return false;
    float *joined = wanted ? join_rows(model, steering, err) : NULL;
    if (wanted && !joined) return false;
    tt_adapter_free(adapter);
    adapter->rows = joined;
    if (give(context, model, joined)) return true;
    tt_adapter_free(adapter);
    give(context, model, NULL);
    return tt_fail(err, TT_ERROR_MODEL, "libllama cannot apply a control vector to '%s'", model->facts.path);
}

void tt_adapter_free(tt_adapter *adapter) {
    free(adapter->rows);
    adapter->rows = NULL;
}
