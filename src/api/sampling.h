/* sampling.h: what stands behind a trimtab_sampling. */
#pragma once

#include "model/sampling.h"
#include "trimtab.h"

struct trimtab_sampling {
    tt_sampling sampling; /* its texts are among these */
    char **texts;
    size_t text_count, text_capacity;
    tt_logit_bias *biases;
    size_t bias_capacity;
};
