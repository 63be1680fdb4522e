/* ranks_mpi.c: the MPI calls behind ranks.c, built as trimtab-mpi.so. The only file that includes mpi.h. */
#include "train/ranks_mpi.h"

#include <mpi.h>
#include <time.h>

enum {
    TAG = 7,
    CHUNK = 1 << 28, /* bytes per message: MPI counts in int */
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

static int chunk_of(size_t size, size_t done) { return (int)(size - done < CHUNK ? size - done : CHUNK); }

static bool send(const void *bytes, size_t size, int to, tt_error *err) {
    bool ok = true;
    for (size_t done = 0; ok && done < size; done += CHUNK)
        ok = check(MPI_Send((const char *)bytes + done, chunk_of(size, done), MPI_BYTE, to, TAG, MPI_COMM_WORLD), err);
    return ok;
}

static bool look(int from, bool *there, tt_error *err) {
    int flag = 0;
    if (!check(MPI_Iprobe(from, TAG, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE), err)) return false;
    *there = flag;
    return true;
}

static bool wait_for(int from, tt_error *err) {
    for (;;) {
        bool there;
        if (!look(from, &there, err)) return false;
        if (there) return true;
        nanosleep(&(struct timespec){.tv_nsec = TT_RANKS_NAP}, NULL);
    }
}

static bool receive(void *bytes, size_t size, int from, tt_error *err) {
    bool ok = true;
    for (size_t done = 0; ok && done < size; done += CHUNK) {
        ok = wait_for(from, err) && check(MPI_Recv((char *)bytes + done, chunk_of(size, done), MPI_BYTE, from, TAG,
                                                   MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                                          err);
    }
    return ok;
}

[[gnu::visibility("default")]] const tt_ranks_transport trimtab_ranks_transport = {begin, end,     abort_all, share,
                                                                                   send,  receive, look};
