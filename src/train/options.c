/* options.c: see options.h */
#include "train/options.h"

tt_train_options tt_train_defaults(void) {
    return (tt_train_options){.samples = TT_TRAIN_SAMPLES,
                              .plan = {.prompts_per_system = TT_PLAN_PROMPTS_PER_SYSTEM, .held_out = TT_PLAN_HELD_OUT},
                              .direction = {.tolerance = TT_TRAIN_TOLERANCE},
                              .skip_end = {.amount = TT_TRAIN_SKIP_END},
                              .layer_offset = TT_TRAIN_LAYER_OFFSET};
}
