/* partition.c: see partition.h */
#include "prompts/partition.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>

uint64_t tt_partition_key(const char *text) { return tt_random_bits(0, tt_random_stream(text), 0, 0); }

uint64_t tt_partition_pair_key(const char *negative, const char *positive) {
    return tt_random_bits(0, tt_random_stream(negative), tt_random_stream(positive), 1);
}

typedef struct keyed {
    uint64_t key;
    size_t index;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *left = a, *right = b;
    if (left->key != right->key) return left->key < right->key ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

static int by_index(const void *a, const void *b) {
    const size_t left = *(const size_t *)a, right = *(const size_t *)b;
    return (left > right) - (left < right);
}

static size_t held_out_count(size_t count, double share) {
    if (share <= 0 || count < TT_PARTITION_LEAST) return 0;
    const double wanted = round(share * (double)count);
    return wanted < 1 ? 1 : (size_t)wanted;
}

bool tt_partition_make(tt_partition *partition, const uint64_t *keys, size_t count, double share, const char *what,
                       tt_error *err) {
    *partition = (tt_partition){0};
    const size_t held_out = held_out_count(count, share);
    if (held_out >= count)
        return tt_fail(err, TT_ERROR_USAGE,
                       "a held-out share of %g leaves none of the %zu %s for training; choose a smaller one", share, count,
                       what);
    keyed *sorted = tt_alloc(count, sizeof *sorted, err);
    if (!sorted) return false;
    for (size_t i = 0; i < count; i++) sorted[i] = (keyed){keys[i], i};
    qsort(sorted, count, sizeof *sorted, by_key);
    const size_t counts[2] = {[TT_SPLIT_TRAINING] = count - held_out, [TT_SPLIT_HELD_OUT] = held_out};
    size_t from[2] = {[TT_SPLIT_TRAINING] = held_out, [TT_SPLIT_HELD_OUT] = 0};
    for (int split = 0; split < 2; split++) {
        partition->indices[split] = tt_alloc(counts[split], sizeof(size_t), err);
        if (!partition->indices[split]) {
            free(sorted);
            tt_partition_free(partition);
            return false;
        }
        partition->count[split] = counts[split];
        for (size_t i = 0; i < counts[split]; i++) partition->indices[split][i] = sorted[from[split] + i].index;
        if (counts[split]) qsort(partition->indices[split], counts[split], sizeof(size_t), by_index);
    }
    free(sorted);
    return true;
}

void tt_partition_free(tt_partition *partition) {
    free(partition->indices[TT_SPLIT_TRAINING]);
    free(partition->indices[TT_SPLIT_HELD_OUT]);
    *partition = (tt_partition){0};
}

uint64_t tt_partition_bound(double share, uint64_t least, uint64_t greatest) {
    if (share <= 0 || least >= greatest) return 0;
    const uint64_t bound = (uint64_t)(share * 0x1p64); /* share < 1 */
    if (bound <= least) return least + 1;
    return bound > greatest ? greatest : bound;
}
