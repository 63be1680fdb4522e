/* shared_engine.c: see shared_engine.h */
#include "api/shared_engine.h"

#include <pthread.h>
#include <stddef.h>

static struct {
    pthread_mutex_t mutex;
    tt_engine *engine;
    size_t users;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

tt_engine *tt_shared_engine_acquire(const tt_engine_options *options, tt_error *err) {
    pthread_mutex_lock(&shared.mutex);
    if (!shared.users) shared.engine = tt_engine_start(options, err);
    if (shared.engine) shared.users++;
    tt_engine *engine = shared.engine;
    pthread_mutex_unlock(&shared.mutex);
    return engine;
}

void tt_shared_engine_release(void) {
    pthread_mutex_lock(&shared.mutex);
    if (--shared.users == 0) {
        tt_engine_stop(shared.engine);
        shared.engine = NULL;
    }
    pthread_mutex_unlock(&shared.mutex);
}
