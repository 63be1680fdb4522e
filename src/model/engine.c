/* engine.c: see engine.h */
#include "model/engine.h"
#include "base/memory.h"
#include "model/remote.h"

#include <llama.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOGS = 64 }; /* threads whose last error is kept: more than will fail at the same time */

/* The last error logged on a thread. */
typedef struct thread_log {
    pthread_t thread;
    uint64_t when; /* the number of the error; 0: there is none */
    char text[TT_ENGINE_REASON - 2];
} thread_log;

struct tt_engine {
    bool verbose;
    char *rpc_servers;
    pthread_mutex_t mutex;
    uint64_t errors;
    thread_log logs[LOGS];
};

/* This thread's, or NULL. The mutex is held. */
static thread_log *find_log(tt_engine *engine) {
    for (size_t i = 0; i < LOGS; i++)
        if (engine->logs[i].when && pthread_equal(engine->logs[i].thread, pthread_self())) return &engine->logs[i];
    return NULL;
}

static thread_log *oldest_log(tt_engine *engine) {
    thread_log *oldest = engine->logs;
    for (size_t i = 1; i < LOGS; i++)
        if (engine->logs[i].when < oldest->when) oldest = &engine->logs[i];
    return oldest;
}

static void log_message(enum ggml_log_level level, const char *text, void *user_data) {
    tt_engine *engine = user_data;
    if (engine->verbose) fputs(text, stderr);
    if (level != GGML_LOG_LEVEL_ERROR) return;
    pthread_mutex_lock(&engine->mutex);
    thread_log *log = find_log(engine);
    if (!log) log = oldest_log(engine);
    log->thread = pthread_self();
    log->when = ++engine->errors;
    snprintf(log->text, sizeof log->text, "%s", text);
    log->text[strcspn(log->text, "\r\n")] = '\0';
    pthread_mutex_unlock(&engine->mutex);
}

/* ggml multiplies by k-quants and i-quants in tiles if there are eight rows or more, and row by row if there are fewer.
 * This variable makes it always use tiles. It is read at the first product. A ggml without tiles does not need it. */
void tt_engine_even_experts(void) { setenv("GGML_CPU_TILED_MM_FORCE", "1", 0); }

tt_engine *tt_engine_start(const tt_engine_options *options, tt_error *err) {
    tt_engine *engine = tt_alloc(1, sizeof *engine, err);
    if (!engine) return NULL;
    engine->rpc_servers = tt_strdup(options->rpc_servers ? options->rpc_servers : "", err);
    if (!engine->rpc_servers) {
        free(engine);
        return NULL;
    }
    engine->verbose = options->verbose;
    pthread_mutex_init(&engine->mutex, NULL);
    llama_log_set(log_message, engine);
    ggml_backend_load_all();
    llama_backend_init();
    if (options->rpc_servers && !tt_remote_add(options->rpc_servers, err)) {
        tt_engine_stop(engine);
        return NULL;
    }
    if (ggml_backend_dev_count() == 0) {
        tt_fail(err, TT_ERROR_MODEL,
                "ggml found no backend to compute with: is its CPU backend (Debian: libggml0) installed whole?");
        tt_engine_stop(engine);
        return NULL;
    }
    return engine;
}

static void drop_message(enum ggml_log_level, const char *, void *) {}

void tt_engine_stop(tt_engine *engine) {
    if (!engine) return;
    llama_log_set(drop_message, NULL);
    llama_backend_free();
    pthread_mutex_destroy(&engine->mutex);
    free(engine->rpc_servers);
    free(engine);
}

const char *tt_engine_rpc_servers(const tt_engine *engine) { return engine->rpc_servers; }

void tt_engine_forget(tt_engine *engine) {
    pthread_mutex_lock(&engine->mutex);
    thread_log *log = find_log(engine);
    if (log) log->when = 0;
    pthread_mutex_unlock(&engine->mutex);
}

const char *tt_engine_reason(tt_engine *engine, char reason[static TT_ENGINE_REASON]) {
    pthread_mutex_lock(&engine->mutex);
    const thread_log *log = find_log(engine);
    snprintf(reason, TT_ENGINE_REASON, "%s%s", log && *log->text ? ": " : "", log ? log->text : "");
    pthread_mutex_unlock(&engine->mutex);
    return reason;
}

const char *tt_engine_version(void) { return llama_version(); }
