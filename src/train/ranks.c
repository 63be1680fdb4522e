/* ranks.c: see ranks.h */
#include "train/ranks.h"

#ifdef TRIMTAB_MPI
#include <mpi.h>
#include <stdlib.h>

enum {
    TAG = 7,
    CHUNK = 1 << 26, /* floats a message: MPI counts in int */
};

static bool started_by_mpirun(void) { return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK"); }

static bool check(int status, tt_error *err) {
    return status == MPI_SUCCESS ||
           tt_fail(err, TT_ERROR_IO, "another rank cannot be reached (MPI error %d); start the run again to go on", status);
}

bool tt_ranks_begin(tt_ranks *ranks, tt_error *err) {
    *ranks = (tt_ranks){.count = 1};
    if (!started_by_mpirun()) return true;
    int provided;
    if (!check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided), err)) return false;
    if (provided < MPI_THREAD_SERIALIZED)
        return tt_fail(err, TT_ERROR_MODEL, "this MPI allows no call from a second thread, which a run needs");
    return check(MPI_Comm_rank(MPI_COMM_WORLD, &ranks->rank), err) &&
           check(MPI_Comm_size(MPI_COMM_WORLD, &ranks->count), err);
}

void tt_ranks_end(const tt_ranks *ranks) {
    (void)ranks;
    int initialised = 0;
    MPI_Initialized(&initialised);
    if (initialised) MPI_Finalize();
}

void tt_ranks_abort(const tt_ranks *ranks) {
    if (ranks->count > 1) MPI_Abort(MPI_COMM_WORLD, 1);
}

bool tt_ranks_share(const tt_ranks *ranks, uint64_t *value, tt_error *err) {
    return ranks->count == 1 || check(MPI_Bcast(value, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), err);
}

bool tt_ranks_move(const tt_ranks *ranks, float *values, size_t count, int from, int to, tt_error *err) {
    if (from == to) return true;
    for (size_t done = 0; done < count; done += CHUNK) {
        const int size = (int)(count - done < CHUNK ? count - done : CHUNK);
        if (ranks->rank == from && !check(MPI_Send(values + done, size, MPI_FLOAT, to, TAG, MPI_COMM_WORLD), err))
            return false;
        if (ranks->rank == to &&
            !check(MPI_Recv(values + done, size, MPI_FLOAT, from, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE), err))
            return false;
    }
    return true;
}

#else

bool tt_ranks_begin(tt_ranks *ranks, tt_error *) {
    *ranks = (tt_ranks){.count = 1};
    return true;
}
void tt_ranks_end(const tt_ranks *) {}
void tt_ranks_abort(const tt_ranks *) {}
bool tt_ranks_share(const tt_ranks *, uint64_t *, tt_error *) { return true; }
bool tt_ranks_move(const tt_ranks *, float *, size_t, int, int, tt_error *) { return true; }

#endif
