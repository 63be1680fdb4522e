/* publish.h: the end of a run: three control vectors an axis, and a report beside them. */
#pragma once

#include "train/identity.h"
#include "train/solve.h"

/* Writes axis number `axis` into the output folder and fills `result` (freed by tt_train_result_free). Every file is whole
 * or absent; what was there before under its name is replaced in the end only. An axis of which no block has a direction
 * gets no file: `result` then has no figures. */
bool tt_publish_axis(const tt_identity *identity, size_t axis, const tt_axis_directions *directions,
                     const tt_train_options *options, tt_axis_result *result, tt_error *err);

void tt_axis_result_free(tt_axis_result *result);
