/* work.c: see work.h */
#include "train/work.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Shared by rank 0's threads. */
typedef struct shared {
    const tt_work *work;
    pthread_mutex_t mutex;
    atomic_bool failed;
    tt_error error; /* the first one */
} shared;

bool tt_transfer_bytes(const tt_transfer *transfer, void *bytes, size_t size, tt_error *err) {
    return transfer->sends ? tt_ranks_send(transfer->ranks, bytes, size, transfer->other, err)
                           : tt_ranks_receive(transfer->ranks, bytes, size, transfer->other, err);
}

static void wait_a_little(void) { nanosleep(&(struct timespec){.tv_nsec = 100'000'000}, NULL); }

/* Keeps the first error. */
static void fail(shared *all, const tt_error *err) {
    pthread_mutex_lock(&all->mutex);
    if (!atomic_load(&all->failed)) all->error = *err;
    atomic_store(&all->failed, true);
    pthread_mutex_unlock(&all->mutex);
}

/* The next piece; none after a failure, including an interruption. */
static tt_piece take(shared *all) {
    const tt_work *work = all->work;
    if (work->cancel && atomic_load(work->cancel)) {
        tt_error err;
        tt_fail(&err, TT_ERROR_INTERRUPTED, "interrupted");
        fail(all, &err);
    }
    pthread_mutex_lock(&all->mutex);
    const tt_piece piece = atomic_load(&all->failed) ? (tt_piece){0} : work->take(work->data);
    pthread_mutex_unlock(&all->mutex);
    return piece;
}

static bool keep(shared *all, void *worker, const tt_piece *piece, tt_error *err) {
    pthread_mutex_lock(&all->mutex);
    const bool ok = all->work->keep(all->work->data, worker, piece, err);
    pthread_mutex_unlock(&all->mutex);
    return ok;
}

static bool load(const tt_work *work, void *worker, const tt_piece *piece, tt_error *err) {
    return !work->load || work->load(work->data, worker, piece, err);
}

static bool move_input(const tt_work *work, const tt_transfer *transfer, void *worker, const tt_piece *piece,
                       tt_error *err) {
    return !work->input || work->input(transfer, worker, piece, err);
}

/* One of rank 0's threads. */
static void *work_on(void *data) {
    shared *all = data;
    const tt_work *work = all->work;
    tt_error err = {0};
    void *worker = work->open(work->data, &err);
    bool ok = worker != NULL;
    for (tt_piece piece; ok && ((piece = take(all)).count || piece.later);) {
        if (piece.later)
            wait_a_little();
        else
            ok = load(work, worker, &piece, &err) && work->compute(work->data, worker, &piece, &err) &&
                 keep(all, worker, &piece, &err);
    }
    if (!ok) fail(all, &err);
    if (worker) work->close(worker);
    return NULL;
}

/* ==== Other ranks ==== */

typedef struct service {
    shared *all;
    void *worker;
} service;

/* Rank 0's answer to a rank that hands in a result, or, at the start, an empty piece. */
static bool answer_rank(void *data, int from, bool *last, tt_error *err) {
    service *self = data;
    const tt_work *work = self->all->work;
    const tt_transfer in = {work->ranks, from, false}, out = {work->ranks, from, true};
    tt_piece piece;
    if (!tt_transfer_bytes(&in, &piece, sizeof piece, err) ||
        (piece.count && (!work->result(&in, self->worker, &piece, err) || !keep(self->all, self->worker, &piece, err))))
        return false;
    piece = take(self->all);
    *last = !piece.count && !piece.later;
    return tt_transfer_bytes(&out, &piece, sizeof piece, err) &&
           (!piece.count || (load(work, self->worker, &piece, err) && move_input(work, &out, self->worker, &piece, err)));
}

static void *serve(void *data) {
    shared *all = data;
    const tt_work *work = all->work;
    tt_error err = {0};
    service self = {all, work->open(work->data, &err)};
    if (!self.worker || !tt_ranks_serve(work->ranks, answer_rank, &self, &all->failed, &err)) fail(all, &err);
    if (self.worker) work->close(self.worker);
    return NULL;
}

/* The side of every other rank. */
static bool follow(const tt_work *work, tt_error *err) {
    const tt_transfer in = {work->ranks, 0, false}, out = {work->ranks, 0, true};
    void *worker = work->open(work->data, err);
    tt_piece piece = {0};
    bool ok = worker != NULL;
    do {
        ok = ok && tt_transfer_bytes(&out, &piece, sizeof piece, err) &&
             (!piece.count || work->result(&out, worker, &piece, err)) && tt_transfer_bytes(&in, &piece, sizeof piece, err);
        if (ok && piece.later) wait_a_little();
        if (ok && piece.count)
            ok = move_input(work, &in, worker, &piece, err) && work->compute(work->data, worker, &piece, err);
    } while (ok && (piece.count || piece.later));
    if (worker) work->close(worker);
    return ok;
}

/* ==== All of it ==== */

/* Works on `threads` threads, including this one, and serves on one more if there are other ranks. If a thread cannot be
 * started, the others do its work. */
static bool lead(const tt_work *work, tt_error *err) {
    shared all = {.work = work};
    pthread_t server, *threads = tt_alloc((size_t)work->threads, sizeof *threads, err);
    if (!threads) return false;
    pthread_mutex_init(&all.mutex, NULL);
    const bool has_others = work->ranks->count > 1;
    const bool serving = has_others && !pthread_create(&server, NULL, serve, &all);
    int started = 0;
    while (started < work->threads - 1 && !pthread_create(&threads[started], NULL, work_on, &all)) started++;
    work_on(&all);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    if (serving)
        pthread_join(server, NULL);
    else if (has_others)
        serve(&all);
    pthread_mutex_destroy(&all.mutex);
    free(threads);
    if (all.failed && err) *err = all.error;
    return !all.failed;
}

bool tt_work_run(const tt_work *work, tt_error *err) { return work->ranks->rank == 0 ? lead(work, err) : follow(work, err); }
