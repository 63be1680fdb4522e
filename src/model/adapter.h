/* adapter.h: libllama's own control vector, one for the whole context. Private to model/.
 *
 * Setting it makes libllama plan its graph again, once; afterwards the rows cost one addition per block. */
#pragma once

#include "model/internal.h"
#include "model/steering.h"

/* What is set in a context. Starts as `{0}`: nothing. */
typedef struct tt_adapter {
    tt_steering *steering; /* a reference; NULL: nothing is added */
} tt_adapter;

void tt_adapter_free(tt_adapter *adapter); /* frees the reference; the context keeps its vector */

/* Sets in the context what `steering`, which must be constant, adds to each block, or removes what is set (NULL). Does
 * nothing if it is set already. After a failure nothing is set. */
bool tt_adapter_set(tt_adapter *adapter, struct llama_context *context, tt_model *model, tt_steering *steering,
                    tt_error *err);
