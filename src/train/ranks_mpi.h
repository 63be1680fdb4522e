/* ranks_mpi.h: what trimtab-mpi.so offers to ranks.c. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Who waits for a message looks for it so often, in nanoseconds: seldom, since MPI's own waiting keeps a core busy that
 * another thread or rank may compute on, and often beside the time that a batch takes. */
enum { TT_RANKS_NAP = 2'000'000 };

typedef struct tt_ranks_transport {
    bool (*begin)(int *rank, int *count, tt_error *err);
    void (*end)(void);
    void (*abort)(void);
    bool (*share)(uint64_t *value, tt_error *err); /* rank 0's, to all */
    bool (*send)(const void *bytes, size_t size, int to, tt_error *err);
    bool (*receive)(void *bytes, size_t size, int from, tt_error *err);
    bool (*look)(int from, bool *there, tt_error *err); /* has something come from this rank? */
} tt_ranks_transport;

/* The module's one name. */
extern const tt_ranks_transport trimtab_ranks_transport;
