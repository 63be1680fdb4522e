/* partition.h: what is held out of training, decided by the items' own text alone.
 *
 * Each text has a key, a fixed hash. The texts with the smallest keys are held out. So vectors that were trained with
 * another seed, with more samples or together with other axes are still evaluated on material that none of them has
 * seen. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tt_split { TT_SPLIT_TRAINING, TT_SPLIT_HELD_OUT } tt_split;

/* With fewer items than this, all are used for training. */
enum { TT_PARTITION_LEAST = 4 };

uint64_t tt_partition_key(const char *text);
uint64_t tt_partition_pair_key(const char *negative, const char *positive);

typedef struct tt_partition {
    size_t *indices[2]; /* [split]: indices of the items in it, ascending */
    size_t count[2];
} tt_partition;

/* Holds out the round(share * count) items with the smallest keys, at least one; none if share is 0 or there are fewer
 * than TT_PARTITION_LEAST. `what` ("pairs of the axis \"language\"") is for the error when nothing would be left. */
bool tt_partition_make(tt_partition *partition, const uint64_t *keys, size_t count, double share, const char *what,
                       tt_error *err);
void tt_partition_free(tt_partition *partition); /* harmless on `{0}` */

/* For items too numerous to list: those with a key below this bound are held out. `least` and `greatest` are the extreme
 * keys; if they differ, at least one item is held out and at least one is not. */
uint64_t tt_partition_bound(double share, uint64_t least, uint64_t greatest);
