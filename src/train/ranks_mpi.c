/* ranks_mpi.c: MPI, as ranks.c calls it; becomes trimtab-mpi.so. The only file that includes mpi.h. */
#include "train/ranks_mpi.h"

#include <mpi.h>

enum {
    TAG = 7,
    CHUNK = 1 << 26, /* floats a message: MPI counts in int */
};

static bool check(int status, tt_error *err) {
    return status == MPI_SUCCESS ||
           tt_fail(err, TT_ERROR_IO, "another rank cannot be reached (MPI error %d); start the run again to go on", status);
}

static bool begin(int *rank, int *count, tt_error *err) {
    int provided;
    if (!check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided), err)) return false;
    if (provided < MPI_THREAD_SERIALIZED)
        return tt_fail(err, TT_ERROR_MODEL, "this MPI allows no call from a second thread, which a run needs");
    return check(MPI_Comm_rank(MPI_COMM_WORLD, rank), err) && check(MPI_Comm_size(MPI_COMM_WORLD, count), err);
}

static void end(void) { MPI_Finalize(); }

static void abort_all(void) { MPI_Abort(MPI_COMM_WORLD, 1); }

static bool share(uint64_t *value, tt_error *err) {
    return check(MPI_Bcast(value, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), err);
}

static int chunk_of(size_t count, size_t done) { return (int)(count - done < CHUNK ? count - done : CHUNK); }

static bool send(const float *values, size_t count, int to, tt_error *err) {
    bool ok = true;
    for (size_t done = 0; ok && done < count; done += CHUNK)
        ok = check(MPI_Send(values + done, chunk_of(count, done), MPI_FLOAT, to, TAG, MPI_COMM_WORLD), err);
    return ok;
}

static bool receive(float *values, size_t count, int from, tt_error *err) {
    bool ok = true;
    for (size_t done = 0; ok && done < count; done += CHUNK) {
        const int size = chunk_of(count, done);
        ok = check(MPI_Recv(values + done, size, MPI_FLOAT, from, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE), err);
    }
    return ok;
}

[[gnu::visibility("default")]] const tt_ranks_transport trimtab_ranks_transport = {begin, end,  abort_all,
                                                                                   share, send, receive};
