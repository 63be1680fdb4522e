/* ranks_mpi.h: what trimtab-mpi.so offers to ranks.c. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tt_ranks_transport {
    bool (*begin)(int *rank, int *count, tt_error *err);
    void (*end)(void);
    void (*abort)(void);
    bool (*share)(uint64_t *value, tt_error *err); /* rank 0's, to all */
    bool (*send)(const float *values, size_t count, int to, tt_error *err);
    bool (*receive)(float *values, size_t count, int from, tt_error *err);
} tt_ranks_transport;

/* The module's one name. */
extern const tt_ranks_transport trimtab_ranks_transport;
