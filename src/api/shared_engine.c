/* shared_engine.c: see shared_engine.h */
#include "api/shared_engine.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

static struct {
    pthread_mutex_t mutex;
    tt_engine *engine;
    size_t users;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Machines are made devices of the process when the engine starts, and cannot be added or left out later. */
static bool check_servers(const char *wanted, tt_error *err) {
    const char *present = tt_engine_rpc_servers(shared.engine);
    if (!wanted) wanted = "";
    return !strcmp(wanted, present) ||
           tt_fail(
               err, TT_ERROR_USAGE,
               "rpc_servers is for the whole process: the handle that is open has %s%s%s, so another cannot have %s%s%s; "
               "close the one before, or give both the same",
               *present ? "'" : "", *present ? present : "none", *present ? "'" : "", *wanted ? "'" : "",
               *wanted ? wanted : "none", *wanted ? "'" : "");
}

tt_engine *tt_shared_engine_acquire(const tt_engine_options *options, tt_error *err) {
    pthread_mutex_lock(&shared.mutex);
    if (!shared.users) shared.engine = tt_engine_start(options, err);
    tt_engine *engine = shared.engine && (!shared.users || check_servers(options->rpc_servers, err)) ? shared.engine : NULL;
    if (engine) shared.users++;
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
