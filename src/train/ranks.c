/* ranks.c: see ranks.h */
#include "train/ranks.h"
#include "base/installed.h"
#include "base/memory.h"
#include "train/ranks_mpi.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool started_by_mpirun(void) { return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK"); }

static void *open_module(tt_error *err) {
    char *path;
    if (!tt_installed_part("trimtab-mpi.so", &path, err)) return NULL;
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_GLOBAL) : NULL;
    const char *reason = path && !module ? dlerror() : NULL;
    free(path);
    if (!module) {
        tt_fail(err, TT_ERROR_USAGE, "this trimtab cannot be started by mpirun: %s",
                reason ? reason : "it was built or installed without its part for MPI, trimtab-mpi.so");
    }
    return module;
}

bool tt_ranks_begin(tt_ranks *ranks, tt_error *err) {
    *ranks = (tt_ranks){.count = 1};
    if (!started_by_mpirun()) return true;
    void *module = open_module(err); /* stays: MPI's libraries cannot be unloaded */
    if (!module) return false;
    const tt_ranks_transport *transport = dlsym(module, "trimtab_ranks_transport");
    if (!transport) return tt_fail(err, TT_ERROR_USAGE, "trimtab-mpi.so is of another version; install trimtab anew");
    ranks->transport = transport;
    return transport->begin(&ranks->rank, &ranks->count, err);
}

void tt_ranks_end(const tt_ranks *ranks) {
    if (ranks->transport) ranks->transport->end();
}

void tt_ranks_abort(const tt_ranks *ranks) {
    if (ranks->count > 1) ranks->transport->abort();
}

bool tt_ranks_share(const tt_ranks *ranks, uint64_t *value, tt_error *err) {
    return ranks->count == 1 || ranks->transport->share(value, err);
}

bool tt_ranks_send(const tt_ranks *ranks, const void *bytes, size_t size, int to, tt_error *err) {
    return ranks->transport->send(bytes, size, to, err);
}

bool tt_ranks_receive(const tt_ranks *ranks, void *bytes, size_t size, int from, tt_error *err) {
    return ranks->transport->receive(bytes, size, from, err);
}

/* Checks once every rank that is not done, and answers. `*idle` stays true if none has sent anything. */
static bool answer_all(const tt_ranks *ranks, tt_ranks_answer answer, void *data, bool *done, bool *idle, tt_error *err) {
    for (int from = 1; from < ranks->count; from++) {
        bool there = false;
        /* A message from a rank that is done belongs to the next stage of the run. */
        if (done[from]) continue;
        if (!ranks->transport->look(from, &there, err)) return false;
        if (!there) continue;
        *idle = false;
        if (!answer(data, from, &done[from], err)) return false;
    }
    return true;
}

static bool all_done(const tt_ranks *ranks, const bool *done) {
    for (int rank = 1; rank < ranks->count; rank++)
        if (!done[rank]) return false;
    return true;
}

bool tt_ranks_serve(const tt_ranks *ranks, tt_ranks_answer answer, void *data, const atomic_bool *stop, tt_error *err) {
    bool *done = tt_alloc((size_t)ranks->count, sizeof *done, err);
    bool ok = done;
    while (ok && !atomic_load(stop) && !all_done(ranks, done)) {
        bool idle = true;
        ok = answer_all(ranks, answer, data, done, &idle, err);
        if (ok && idle) nanosleep(&(struct timespec){.tv_nsec = TT_RANKS_NAP}, NULL);
    }
    free(done);
    return ok;
}
