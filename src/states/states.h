/* states.h: the hidden-state store, a file of every block's contribution for every prompt of every sample.
 *
 * A sample is `rows` prompts (row 0 the baseline, row 1 + 2 a + c class c of axis a); each has `blocks` contributions of
 * `width` F32 values. Samples are added in batches, mostly in order; when several processes capture, one may be ahead of
 * another. A batch counts once it is committed, so that after a crash the file holds a whole number of committed batches
 * and says which samples those are. docs/states-format.md specifies every byte. */
#pragma once

#include "base/error.h"
#include "states/shape.h"

#include <stddef.h>

typedef struct tt_states tt_states;

/* Creates the file without samples, with `identity` (JSON text: everything that the contributions depend on) in it.
 * Refuses at once if the file system lacks the space ("needs ... but ... has only ... free"). A lock on the file keeps
 * other processes out; a second one is told the first one's pid. */
tt_states *tt_states_create(const char *path, const tt_states_shape *shape, const char *identity, tt_error *err);

/* Opens an existing file, for appending (locked) or only for reading. The error for a damaged file, or one of another
 * version or byte order, says so. */
tt_states *tt_states_open(const char *path, bool append, tt_error *err);

void tt_states_close(tt_states *states); /* harmless on NULL */

const tt_states_shape *tt_states_shape_of(const tt_states *states);
const char *tt_states_identity(const tt_states *states); /* owned by `states` */

/* Samples that are safe on the disk: up to the first gap; all of them; whether this one is. */
uint64_t tt_states_committed(const tt_states *states);
uint64_t tt_states_held(const tt_states *states);
bool tt_states_has(const tt_states *states, uint64_t sample);

/* Writes samples [first, first + count), `data[count][rows][blocks][width]`, and commits them: on return they survive a
 * crash. None of them may be there yet; unless they begin at the first gap, they must end within TT_STATES_AHEAD of
 * it. */
bool tt_states_put(tt_states *states, uint64_t first, uint64_t count, const float *data, tt_error *err);

/* Reads, for the first `count` samples, row `row` minus row `baseline` of one block into `out` (count x width, row-major),
 * as the methods need them: A or B of docs/method.md. Checks the samples' checksums as it goes. */
bool tt_states_differences(const tt_states *states, uint32_t block, uint32_t row, uint32_t baseline, uint64_t count,
                           float *out, tt_error *err);
