/* errands.h: threads of a server that neither talk nor compute, for what may keep them waiting: one reads vector files, and
 * looks after connections now and then; another lays out conversations. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* Something to do once; embedded in what it is done for. */
typedef struct tt_errand {
    struct tt_errand *next;
    void (*run)(struct tt_errand *errand);
} tt_errand;

typedef struct tt_errands tt_errands;

/* `look` (may be NULL) is called with `look_data` about every quarter of a second, between errands. */
tt_errands *tt_errands_start(void (*look)(void *look_data), void *look_data, tt_error *err);

/* Adds an errand; they run in order. False when its thread has been told to end or `most` errands wait already. */
bool tt_errands_add(tt_errands *errands, tt_errand *errand, size_t most);

/* Runs what waits, and ends; then only tt_errands_add may still be called, which says no. Harmless on NULL, and twice. */
void tt_errands_stop(tt_errands *errands);

/* Stops and frees it. Harmless on NULL. */
void tt_errands_free(tt_errands *errands);
