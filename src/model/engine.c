/* engine.c: see engine.h */
#include "model/engine.h"
#include "base/memory.h"
#include "model/remote.h"

#include <llama.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tt_engine {
    bool verbose;
    char *rpc_servers;
    pthread_mutex_t mutex; /* libllama logs from its own threads too */
    char reason[512];      /* what tt_engine_reason handed out */
    char last[512];
};

static void log_message(enum ggml_log_level level, const char *text, void *user_data) {
    tt_engine *engine = user_data;
    if (engine->verbose) fputs(text, stderr);
    if (level != GGML_LOG_LEVEL_ERROR) return;
    pthread_mutex_lock(&engine->mutex);
    snprintf(engine->last, sizeof engine->last, "%s", text);
    engine->last[strcspn(engine->last, "\r\n")] = '\0';
    pthread_mutex_unlock(&engine->mutex);
}

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

const char *tt_engine_reason(tt_engine *engine) {
    pthread_mutex_lock(&engine->mutex);
    memcpy(engine->reason, engine->last, sizeof engine->reason);
    engine->last[0] = '\0';
    pthread_mutex_unlock(&engine->mutex);
    return engine->reason;
}

const char *tt_engine_version(void) { return llama_version(); }
