/* shared_steering.h: one steering for every conversation that asks for the same one.
 *
 * Two conversations are steered alike where their tt_shared_steering is the same object: whoever wants to have computed
 * states used again (slots.h) makes one for a mix and hands it to all of them. It counts its users and goes with the last.
 */
#pragma once

#include "model/model.h"
#include "model/steering.h"

typedef struct tt_shared_steering tt_shared_steering;

/* Copies the rows: rows[K] (width values, or NULL) is added to the output of block K at every token, 1 <= K < row_count. One
 * reference is the caller's. Fails where the shape is not the model's, or a value is not finite. */
tt_shared_steering *tt_shared_steering_make(const tt_model *model, const float *const *rows, uint32_t row_count,
                                            uint32_t width, tt_error *err);

/* One reference more, or less; the last one frees. From any thread; harmless on NULL, which is handed back. */
tt_shared_steering *tt_shared_steering_hold(tt_shared_steering *steering);
void tt_shared_steering_release(tt_shared_steering *steering);

/* NULL for NULL. Valid while a reference is held. */
const tt_steering *tt_shared_steering_of(const tt_shared_steering *steering);
