/* ranks.h: a training run spread over several processes, started by mpirun, on one machine or many.
 *
 * Rank 0 owns the states file and writes the vectors. It works like the others, and one of its threads serves them: a
 * rank that finishes a piece of work hands in the result and gets the next piece. So no rank waits for another, however
 * long the pieces and however fast the machines. Pieces are batches to capture, each the same as in a run of one process,
 * then blocks to solve. Only the model's file system has to be shared. Without mpirun there is one rank, and nothing here
 * does anything.
 *
 * MPI is in a separate module, trimtab-mpi.so (ranks_mpi.c), which is loaded only under mpirun: the libraries behind MPI
 * take half a second to load, which no other command should pay, and trimtab can be installed without MPI. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tt_ranks {
    int rank, count;                            /* this process, and how many there are */
    const struct tt_ranks_transport *transport; /* NULL while there is one rank */
} tt_ranks;

/* Joins the other ranks, if any. Call it once, before threads are started; `ranks` must outlive the run. */
bool tt_ranks_begin(tt_ranks *ranks, tt_error *err);
void tt_ranks_end(const tt_ranks *ranks);

/* Ends all ranks at once, with exit status 1: for a rank that failed and has said why. */
void tt_ranks_abort(const tt_ranks *ranks);

/* Sets `*value` to rank 0's on every rank. */
bool tt_ranks_share(const tt_ranks *ranks, uint64_t *value, tt_error *err);

/* Sends `size` bytes to rank `to`; receives as many from rank `from`. Messages from one rank to another arrive in order.
 * A waiting rank sleeps. */
bool tt_ranks_send(const tt_ranks *ranks, const void *bytes, size_t size, int to, tt_error *err);
bool tt_ranks_receive(const tt_ranks *ranks, void *bytes, size_t size, int from, tt_error *err);

/* Rank 0's handler for a message from rank `from`: receives it, and answers. Sets `*last` when this is the rank's last
 * answer. */
typedef bool (*tt_ranks_answer)(void *data, int from, bool *last, tt_error *err);

/* Answers the other ranks until each has its last answer, or `*stop` is true. For one thread of rank 0, the only one to
 * send or receive meanwhile. */
bool tt_ranks_serve(const tt_ranks *ranks, tt_ranks_answer answer, void *data, const atomic_bool *stop, tt_error *err);
