/* ranks_mpi.h: what trimtab-mpi.so provides to ranks.c. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A waiting rank checks for a message at this interval, in nanoseconds. MPI's own waiting would keep a core busy that
 * another thread or rank may need; the interval is long enough to avoid that and short compared with a batch. */
enum { TT_RANKS_NAP = 2'000'000 };

typedef struct tt_ranks_transport {
    bool (*begin)(int *rank, int *count, tt_error *err);
    void (*end)(void);
    void (*abort)(void);
    bool (*share)(uint64_t *value, tt_error *err); /* from rank 0 to all */
    bool (*send)(const void *bytes, size_t size, int to, tt_error *err);
    bool (*receive)(void *bytes, size_t size, int from, tt_error *err);
    bool (*look)(int from, bool *there, tt_error *err); /* is there a message from this rank? */
} tt_ranks_transport;

/* The module's only symbol. */
extern const tt_ranks_transport trimtab_ranks_transport;
