/* publish.h: the end of a run: three control vectors per axis, and a report next to them. */
#pragma once

#include "train/identity.h"
#include "train/solve.h"

/* Writes axis number `axis` to the output folder and fills `result` (freed by tt_train_result_free). Every file is
 * complete or absent; an earlier file of the same name is replaced only at the end. An axis without a direction in any
 * block gets no files, and `result` has no figures. */
bool tt_publish_axis(const tt_identity *identity, size_t axis, const tt_axis_directions *directions,
                     const tt_train_options *options, tt_axis_result *result, tt_error *err);

void tt_axis_result_free(tt_axis_result *result);
