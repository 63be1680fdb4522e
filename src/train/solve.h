/* solve.h: the second half of a run: from the states file to the directions of every axis and block. */
#pragma once

#include "states/states.h"
#include "train/options.h"
#include "train/ranks.h"

/* The directions of one axis: `blocks` entries, `found` false for the skipped ones and those without a direction. */
typedef struct tt_axis_directions {
    tt_direction *blocks;
    uint32_t block_count;
} tt_axis_directions;

/* Peak memory in bytes, for `threads` blocks at once. */
uint64_t tt_solve_memory(uint64_t samples, uint32_t width, const tt_direction_options *options, int threads);

/* The range of blocks that the skips leave, [first, last). An empty range is an error. */
bool tt_solve_range(uint32_t blocks, tt_block_skip begin, tt_block_skip end, uint32_t *first, uint32_t *last, tt_error *err);

/* Solves every axis and block, on all ranks and several blocks at once if there are threads for them; the result does not
 * depend on their number. `states` (on rank 0; NULL elsewhere) has the shape `shape`. On rank 0 `axes` gets one entry per
 * axis, freed by tt_axis_directions_free; elsewhere it stays empty. */
bool tt_solve_run(const tt_states *states, const tt_states_shape *shape, const tt_train_options *options,
                  const tt_ranks *ranks, int threads, size_t axis_count, tt_axis_directions *axes, tt_error *err);
void tt_axis_directions_free(tt_axis_directions *directions); /* harmless on `{0}` */
