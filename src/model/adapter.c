/* adapter.c: see adapter.h */
#include "model/adapter.h"
#include "base/memory.h"

#include <stdlib.h>

/* The rows added to each block from 1 on, one after the other, in libllama's form: (blocks - 1) x width. */
static float *join_rows(const tt_model *model, const tt_steering *steering, tt_error *err) {
    const size_t width = model->facts.width, blocks = model->facts.blocks;
    float *joined = tt_alloc((blocks - 1) * width, sizeof *joined, err);
    for (size_t K = 1; joined && K < blocks; K++) tt_steering_apply(steering, K, joined + (K - 1) * width);
    return joined;
}

static bool give(struct llama_context *context, const tt_model *model, const float *rows) {
    const size_t size = (size_t)(model->facts.blocks - 1) * model->facts.width;
    return llama_set_adapter_cvec(context, rows, rows ? size : 0, (int32_t)model->facts.width, 1,
                                  (int32_t)model->facts.blocks - 1) == 0;
}

bool tt_adapter_set(tt_adapter *adapter, struct llama_context *context, tt_model *model, tt_steering *steering,
                    tt_error *err) {
    if (tt_steering_equal(adapter->steering, steering)) return true;
    const bool wanted = tt_steering_acts_at_all(steering);
    if (wanted && !tt_model_check_steerable(model, err)) return false;
    float *joined = wanted ? join_rows(model, steering, err) : NULL;
    if (wanted && !joined) return false;
    tt_adapter_free(adapter);
    const bool given = give(context, model, joined);
    free(joined);
    if (given) {
        adapter->steering = wanted ? tt_steering_hold(steering) : NULL;
        return true;
    }
    give(context, model, NULL);
    return tt_fail(err, TT_ERROR_MODEL, "libllama cannot apply a control vector to '%s'", model->facts.path);
}

void tt_adapter_free(tt_adapter *adapter) {
    tt_steering_release(adapter->steering);
    adapter->steering = NULL;
}
