/* adapter.h: libllama's own control vector, one for a whole context. Private to model/.
 *
 * Setting it makes libllama plan its graph anew, once; afterwards the rows cost an addition a block. */
#pragma once

#include "model/internal.h"
#include "model/steering.h"

/* What a context has been given. Starts as `{0}`: nothing. */
typedef struct tt_adapter {
    float *rows; /* (blocks - 1) x width, from block 1 on, zeros where a block has no row; NULL: nothing is added */
} tt_adapter;

void tt_adapter_free(tt_adapter *adapter); /* the memory here; the context keeps what it has */

/* Whether libllama can add all of `steering` (NULL: nothing) by itself: it has no place for a row of block 0. */
bool tt_adapter_can(const tt_steering *steering);

/* Whether just these rows are what is added already. */
bool tt_adapter_is(const tt_adapter *adapter, const tt_model *model, const tt_steering *steering);

/* Gives the context the rows of `steering` from block 1 on, or takes away what it has (NULL, or no rows). Does nothing where
 * it has them. After a failure nothing is added. */
bool tt_adapter_set(tt_adapter *adapter, struct llama_context *context, tt_model *model, const tt_steering *steering,
                    tt_error *err);
