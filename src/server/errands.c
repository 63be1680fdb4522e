/* errands.c: see errands.h */
#include "server/errands.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const double interval = 0.25; /* seconds between two looks */

struct tt_errands {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    tt_errand *first, *last;
    size_t count;
    bool ending, ended;
    void (*look)(void *look_data);
    void *look_data;
};

/* The next errand, once there is one; NULL when it is time to look, or to end. */
static tt_errand *wait_for_errand(tt_errands *errands, double until) {
    const struct timespec time = {(time_t)until, (long)((until - floor(until)) * 1e9)};
    int waited = 0;
    pthread_mutex_lock(&errands->mutex);
    while (waited == 0 && !errands->first && !errands->ending)
        waited = pthread_cond_timedwait(&errands->changed, &errands->mutex, &time);
    tt_errand *errand = errands->first;
    if (errand) {
        errands->first = errand->next;
        if (!errands->first) errands->last = NULL;
        errands->count--;
    }
    pthread_mutex_unlock(&errands->mutex);
    return errand;
}

static bool is_over(tt_errands *errands) {
    pthread_mutex_lock(&errands->mutex);
    const bool over = errands->ending && !errands->first;
    pthread_mutex_unlock(&errands->mutex);
    return over;
}

static void *work(void *data) {
    tt_errands *errands = data;
    double next_look = tt_seconds() + interval;
    while (!is_over(errands)) {
        tt_errand *errand = wait_for_errand(errands, next_look);
        if (errand) errand->run(errand);
        if (tt_seconds() < next_look) continue;
        if (errands->look) errands->look(errands->look_data);
        next_look = tt_seconds() + interval;
    }
    return NULL;
}

tt_errands *tt_errands_start(void (*look)(void *look_data), void *look_data, tt_error *err) {
    tt_errands *errands = tt_alloc(1, sizeof *errands, err);
    if (!errands) return NULL;
    errands->look = look;
    errands->look_data = look_data;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&errands->mutex, NULL);
    pthread_cond_init(&errands->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&errands->thread, NULL, work, errands) == 0) return errands;
    tt_fail(err, TT_ERROR_MEMORY, "cannot start a thread");
    errands->ended = true;
    tt_errands_free(errands);
    return NULL;
}

bool tt_errands_add(tt_errands *errands, tt_errand *errand, size_t most) {
    pthread_mutex_lock(&errands->mutex);
    const bool taken = !errands->ending && errands->count < most;
    if (taken) {
        errand->next = NULL;
        if (errands->last)
            errands->last->next = errand;
        else
            errands->first = errand;
        errands->last = errand;
        errands->count++;
        pthread_cond_signal(&errands->changed);
    }
    pthread_mutex_unlock(&errands->mutex);
    return taken;
}

void tt_errands_stop(tt_errands *errands) {
    if (!errands || errands->ended) return;
    pthread_mutex_lock(&errands->mutex);
    errands->ending = true;
    pthread_cond_signal(&errands->changed);
    pthread_mutex_unlock(&errands->mutex);
    pthread_join(errands->thread, NULL);
    errands->ended = true;
}

void tt_errands_free(tt_errands *errands) {
    if (!errands) return;
    tt_errands_stop(errands);
    pthread_mutex_destroy(&errands->mutex);
    pthread_cond_destroy(&errands->changed);
    free(errands);
}
