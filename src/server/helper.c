/* helper.c: see helper.h */
#include "server/helper.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static const double interval = 0.25; /* seconds between two looks */

struct tt_helper {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    tt_errand *first, *last;
    size_t count;
    bool ending;
    void (*look)(void *look_data);
    void *look_data;
};

/* The next errand, once there is one; NULL when it is time to look, or to end. */
static tt_errand *wait_for_errand(tt_helper *helper, double until) {
    const struct timespec time = {(time_t)until, (long)((until - floor(until)) * 1e9)};
    int waited = 0;
    pthread_mutex_lock(&helper->mutex);
    while (waited == 0 && !helper->first && !helper->ending)
        waited = pthread_cond_timedwait(&helper->changed, &helper->mutex, &time);
    tt_errand *errand = helper->first;
    if (errand) {
        helper->first = errand->next;
        if (!helper->first) helper->last = NULL;
        helper->count--;
    }
    pthread_mutex_unlock(&helper->mutex);
    return errand;
}

static bool is_over(tt_helper *helper) {
    pthread_mutex_lock(&helper->mutex);
    const bool over = helper->ending && !helper->first;
    pthread_mutex_unlock(&helper->mutex);
    return over;
}

static void *work(void *data) {
    tt_helper *helper = data;
    double next_look = tt_seconds() + interval;
    while (!is_over(helper)) {
        tt_errand *errand = wait_for_errand(helper, next_look);
        if (errand) errand->run(errand);
        if (tt_seconds() < next_look) continue;
        helper->look(helper->look_data);
        next_look = tt_seconds() + interval;
    }
    return NULL;
}

static void free_helper(tt_helper *helper) {
    pthread_mutex_destroy(&helper->mutex);
    pthread_cond_destroy(&helper->changed);
    free(helper);
}

tt_helper *tt_helper_start(void (*look)(void *look_data), void *look_data, tt_error *err) {
    tt_helper *helper = tt_alloc(1, sizeof *helper, err);
    if (!helper) return NULL;
    helper->look = look;
    helper->look_data = look_data;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&helper->mutex, NULL);
    pthread_cond_init(&helper->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&helper->thread, NULL, work, helper) == 0) return helper;
    tt_fail(err, TT_ERROR_MEMORY, "cannot start a thread");
    free_helper(helper);
    return NULL;
}

bool tt_helper_ask(tt_helper *helper, tt_errand *errand, size_t most) {
    pthread_mutex_lock(&helper->mutex);
    const bool taken = !helper->ending && helper->count < most;
    if (taken) {
        errand->next = NULL;
        if (helper->last)
            helper->last->next = errand;
        else
            helper->first = errand;
        helper->last = errand;
        helper->count++;
        pthread_cond_signal(&helper->changed);
    }
    pthread_mutex_unlock(&helper->mutex);
    return taken;
}

void tt_helper_stop(tt_helper *helper) {
    if (!helper) return;
    pthread_mutex_lock(&helper->mutex);
    helper->ending = true;
    pthread_cond_signal(&helper->changed);
    pthread_mutex_unlock(&helper->mutex);
    pthread_join(helper->thread, NULL);
    free_helper(helper);
}
