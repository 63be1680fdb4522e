/* handle.c: the public API's handle: opened, cancelled, closed; and its errors. See include/trimtab.h. */
#include "api/handle.h"
#include "api/shared_engine.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *trimtab_version(void) { return TRIMTAB_VERSION; }

/* ==== Errors ==== */

static trimtab_status status_of(tt_error_kind kind) {
    switch (kind) {
    case TT_ERROR_NONE:
        return TRIMTAB_OK;
    case TT_ERROR_USAGE:
        return TRIMTAB_USAGE;
    case TT_ERROR_INPUT:
        return TRIMTAB_INPUT;
    case TT_ERROR_IO:
        return TRIMTAB_IO;
    case TT_ERROR_MEMORY:
        return TRIMTAB_MEMORY;
    case TT_ERROR_MODEL:
        return TRIMTAB_MODEL;
    case TT_ERROR_INTERRUPTED:
        return TRIMTAB_INTERRUPTED;
    }
    return TRIMTAB_INPUT;
}

trimtab_status tt_api_status(bool ok, const tt_error *err, trimtab_error *error) {
    const trimtab_status status = ok ? TRIMTAB_OK : status_of(err->kind);
    if (!error) return status;
    static_assert(sizeof error->message == sizeof err->message);
    *error = (trimtab_error){.status = status};
    if (!ok) memcpy(error->message, err->message, sizeof error->message);
    return status;
}

bool tt_api_begin(trimtab *t, const char *function, tt_error *err) {
    if (!t) return tt_fail(err, TT_ERROR_USAGE, "%s needs a handle: trimtab_open gives one", function);
    atomic_store(&t->cancel, false);
    return true;
}

/* ==== The handle ==== */

trimtab_options trimtab_defaults(void) { return (trimtab_options){.gpu_layers = -1}; }

typedef struct loading_state {
    const trimtab_options *options;
    bool stopped;
} loading_state;

static bool show_loading(float share, void *user_data) {
    loading_state *loading = user_data;
    if (loading->options->loading(loading->options->user_data, (double)share)) loading->stopped = true;
    return !loading->stopped;
}

static bool open_model(trimtab *t, const char *path, const trimtab_options *options, tt_error *err) {
    const tt_engine_options engine_options = {.verbose = options->verbose != 0, .rpc_servers = options->rpc_servers};
    tt_engine *engine = tt_shared_engine_acquire(&engine_options, err);
    if (!engine) return false;
    loading_state loading = {.options = options};
    const tt_model_options model_options = {
        .path = path,
        .gpu_layers = options->gpu_layers,
        .tensor_split = options->tensor_split,
        .threads = options->threads,
        .ubatch = options->micro_batch,
        .progress = options->loading ? show_loading : NULL,
        .progress_data = &loading,
    };
    t->model = tt_model_open(engine, &model_options, err);
    if (t->model) return true;
    tt_shared_engine_release();
    if (loading.stopped) return tt_fail(err, TT_ERROR_INTERRUPTED, "loading '%s' was stopped", path);
    return false;
}

static bool check_options(const char *path, const trimtab_options *options, tt_error *err) {
    if (!path || !*path) return tt_fail(err, TT_ERROR_USAGE, "trimtab_open needs the path of a model, a GGUF file");
    if (options->threads < 0)
        return tt_fail(err, TT_ERROR_USAGE, "threads takes a number from 0 up, not %d", options->threads);
    if (options->micro_batch < 0)
        return tt_fail(err, TT_ERROR_USAGE, "micro_batch takes a number from 0 up, not %d", options->micro_batch);
    return true;
}

static bool keep_text(char **to, const char *text, tt_error *err) { return !text || (*to = tt_strdup(text, err)) != NULL; }

tt_chat_options tt_api_chat(const trimtab *t) {
    return (tt_chat_options){.name = t->chat_template, .file = t->chat_file, .kwargs = t->chat_kwargs};
}

static trimtab *open_handle(const char *path, const trimtab_options *options, tt_error *err) {
    if (!check_options(path, options, err)) return NULL;
    trimtab *t = tt_alloc(1, sizeof *t, err);
    if (!t) return NULL;
    t->context = options->context;
    const bool ok = keep_text(&t->chat_template, options->chat_template, err) &&
                    keep_text(&t->chat_file, options->chat_template_file, err) &&
                    keep_text(&t->chat_kwargs, options->chat_template_kwargs, err);
    if (ok && open_model(t, path, options, err)) return t;
    trimtab_close(t);
    return NULL;
}

trimtab *trimtab_open(const char *path, const trimtab_options *options, trimtab_error *error) {
    const trimtab_options defaults = trimtab_defaults();
    tt_error err = {0};
    trimtab *t = open_handle(path, options ? options : &defaults, &err);
    tt_api_status(t != NULL, &err, error);
    return t;
}

void trimtab_close(trimtab *t) {
    if (!t) return;
    tt_generator_close(t->generator);
    if (t->chat) tt_chat_close(t->chat);
    if (t->model) {
        tt_model_close(t->model);
        tt_shared_engine_release();
    }
    tt_text_free(&t->warnings);
    free(t->chat_template);
    free(t->chat_file);
    free(t->chat_kwargs);
    free(t);
}

void trimtab_cancel(trimtab *t) {
    static_assert(ATOMIC_BOOL_LOCK_FREE == 2); /* else it could not be called from a signal handler */
    if (t) atomic_store(&t->cancel, true);
}

bool tt_api_need_generator(trimtab *t, tt_error *err) {
    if (!t->generator) t->generator = tt_generator_open(t->model, t->context, err);
    return t->generator != NULL;
}
