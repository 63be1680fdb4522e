/* directions.h: an axis at a value as a steering, and random directions of the same lengths. Private to evaluate/. */
#pragma once

#include "base/hash.h"
#include "evaluate/options.h"
#include "model/steering.h"

/* De-bias + |value| x the side's vector. Any value is measured, one beyond all numbers too. The caller releases. `digest` is
 * of its rows. */
tt_steering *tt_axis_steering(const tt_model *model, const tt_evaluate_axis *axis, double value,
                              char digest[static TT_HASH_TEXT], tt_error *err);

/* The same with each block's row turned to a direction drawn uniformly, as long as it was: what any push of this length
 * does. */
tt_steering *tt_random_steering(const tt_model *model, const tt_evaluate_axis *axis, double value, uint64_t seed,
                                char digest[static TT_HASH_TEXT], tt_error *err);
