/* ranks.h: a training run spread over several processes, started by mpirun, on one machine or many.
 *
 * Rank 0 owns the states file and writes the vectors. The batches of a run are dealt out in turn, so that every batch is
 * what it would be in a run of one process, and come back to rank 0 in order; then blocks are dealt out to be solved. No
 * file system has to be shared but the model's. Not started by mpirun, there is one rank, and nothing here does anything.
 *
 * MPI is a module of its own, trimtab-mpi.so (ranks_mpi.c), which only a run that mpirun started loads: the libraries behind
 * MPI take half a second to load, which no other command should pay, and trimtab can be installed where there is no MPI. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tt_ranks {
    int rank, count;                            /* this process, of how many */
    const struct tt_ranks_transport *transport; /* NULL while there is one rank */
} tt_ranks;

/* Joins the other ranks, if there are any. To be called once, before threads are started; `ranks` outlives the run. */
bool tt_ranks_begin(tt_ranks *ranks, tt_error *err);
void tt_ranks_end(const tt_ranks *ranks);

/* Ends all ranks at once, with exit status 1: for one that failed and has said why. */
void tt_ranks_abort(const tt_ranks *ranks);

/* The same number on every rank: rank 0's. */
bool tt_ranks_share(const tt_ranks *ranks, uint64_t *value, tt_error *err);

/* Moves `count` floats from rank `from` to rank `to`; on any other rank, and where both are one, it does nothing. */
bool tt_ranks_move(const tt_ranks *ranks, float *values, size_t count, int from, int to, tt_error *err);
