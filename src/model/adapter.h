/* adapter.h: libllama's own control vector, one for a whole context. Private to model/.
 *
 * Setting it makes libllama plan its graph anew, once; afterwards the rows cost an addition a block. */
#pragma once

#include "model/internal.h"
#include "model/steering.h"

/* What a context has been given. Starts as `{0}`: nothing. */
typedef struct tt_adapter {
    tt_steering *steering; /* a reference; NULL: nothing is added */
} tt_adapter;

void tt_adapter_free(tt_adapter *adapter); /* the reference; the context keeps what it has */

/* Gives the context what `steering`, which must be constant, adds to each block, or takes away what it has (NULL). Does
 * nothing where it has just that. After a failure nothing is added. */
bool tt_adapter_set(tt_adapter *adapter, struct llama_context *context, tt_model *model, tt_steering *steering,
                    tt_error *err);
