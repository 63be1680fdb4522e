/* ranks.h: a training run spread over several processes, started by mpirun, on one machine or many.
 *
 * Rank 0 owns the states file and writes the vectors; it works as the others do, and a thread of it serves them: whoever is
 * done with a piece of work hands in the result and gets the next piece. So nobody waits for anybody, however long the
 * pieces are and however fast the machines. Pieces are batches to capture, each of which is what it would be in a run of one
 * process, then blocks to solve. No file system has to be shared but the model's. Not started by mpirun, there is one rank,
 * and nothing here does anything.
 *
 * MPI is a module of its own, trimtab-mpi.so (ranks_mpi.c), which only a run that mpirun started loads: the libraries behind
 * MPI take half a second to load, which no other command should pay, and trimtab can be installed where there is no MPI. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
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

/* Sends `size` bytes to rank `to`; receives as many from rank `from`. What one rank sends to another arrives in order. Who
 * has to wait sleeps. */
bool tt_ranks_send(const tt_ranks *ranks, const void *bytes, size_t size, int to, tt_error *err);
bool tt_ranks_receive(const tt_ranks *ranks, void *bytes, size_t size, int from, tt_error *err);

/* What rank 0 does when rank `from` has sent something: receives it, and answers. Sets `*last` with the last answer that
 * this rank is to get. */
typedef bool (*tt_ranks_answer)(void *data, int from, bool *last, tt_error *err);

/* Answers the other ranks until each has got its last answer, or `*stop` is true. For a thread of rank 0, which is the only
 * one to send or receive meanwhile. */
bool tt_ranks_serve(const tt_ranks *ranks, tt_ranks_answer answer, void *data, const atomic_bool *stop, tt_error *err);
