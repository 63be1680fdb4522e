/* handle.c: the public API's handle: opened, cancelled, closed; and its errors. See include/trimtab.h. */
#include "api/handle.h"
#include "api/options.h"
#include "api/shared_engine.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *trimtab_version(void) { return TRIMTAB_VERSION; }
const char *trimtab_engine_version(void) { return tt_engine_version(); }
const char *trimtab_template_engine(void) { return tt_template_engine(); }
void trimtab_even_experts(void) { tt_engine_even_experts(); }
void trimtab_text_free(char *text) { free(text); }

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

trimtab_options trimtab_defaults(void) { return (trimtab_options){.size = sizeof(trimtab_options), .gpu_layers = -1}; }

static bool show_loading(float share, void *user_data) { return tt_api_tell(user_data, (uint64_t)(100 * share)); }

static bool open_model(trimtab *t, const char *path, const trimtab_options *options, tt_error *err) {
    const tt_engine_options engine_options = {.verbose = options->verbose != 0, .rpc_servers = options->rpc_servers};
    tt_engine *engine = tt_shared_engine_acquire(&engine_options, err);
    if (!engine) return false;
    tt_api_listener loading = {options->progress, options->user_data, "loading", "%", 100, &t->cancel};
    const tt_model_options model_options = {
        .path = path,
        .gpu_layers = options->gpu_layers,
        .tensor_split = options->tensor_split,
        .threads = options->threads,
        .ubatch = options->micro_batch,
        .flash_attention_off = options->no_flash_attention != 0,
        .progress = show_loading,
        .progress_data = &loading,
    };
    t->model = tt_model_open(engine, &model_options, err);
    if (t->model) return true;
    tt_shared_engine_release();
    if (atomic_load(&t->cancel)) return tt_fail(err, TT_ERROR_INTERRUPTED, "loading '%s' was stopped", path);
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

static trimtab_facts facts_of(const tt_model_facts *facts) {
    return (trimtab_facts){
        .path = facts->path,
        .name = facts->name,
        .architecture = facts->architecture,
        .description = facts->description,
        .fingerprint = facts->fingerprint,
        .blocks = facts->blocks,
        .width = facts->width,
        .vocabulary = facts->vocabulary,
        .context = facts->context,
        .parameters = facts->parameters,
        .bytes = facts->bytes,
    };
}

static tt_think think_of(trimtab_thinking thinking) {
    return thinking == TRIMTAB_THINK_ON ? TT_THINK_ON : thinking == TRIMTAB_THINK_OFF ? TT_THINK_OFF : TT_THINK_AS_USUAL;
}

static bool keep_text(const char **to, const char *text, tt_error *err) {
    return !text || (*to = tt_strdup(text, err)) != NULL;
}

static bool keep_layout(tt_chat_options *layout, const trimtab_options *options, tt_error *err) {
    layout->think = think_of(options->thinking);
    layout->control_tokens = options->control_tokens != 0;
    return keep_text(&layout->name, options->chat_template, err) &&
           keep_text(&layout->file, options->chat_template_file, err) &&
           keep_text(&layout->kwargs, options->chat_template_kwargs, err);
}

static trimtab *open_handle(const char *path, const trimtab_options *given, tt_error *err) {
    trimtab_options options = trimtab_defaults();
    if (!tt_api_options(&options, sizeof options, given, "trimtab_options", err) || !check_options(path, &options, err))
        return NULL;
    trimtab *t = tt_alloc(1, sizeof *t, err);
    if (!t) return NULL;
    t->context = options.context;
    if (keep_layout(&t->layout, &options, err) && open_model(t, path, &options, err)) {
        t->facts = facts_of(tt_model_facts_of(t->model));
        return t;
    }
    trimtab_close(t);
    return NULL;
}

trimtab *trimtab_open(const char *path, const trimtab_options *options, trimtab_error *error) {
    tt_error err = {0};
    trimtab *t = open_handle(path, options, &err);
    tt_api_status(t != NULL, &err, error);
    return t;
}

void tt_api_free_text(const char *text) {
    union {
        const char *borrowed;
        char *owned;
    } kept = {text};
    free(kept.owned);
}

void trimtab_close(trimtab *t) {
    if (!t) return;
    tt_generator_close(t->generator);
    tt_score_close(t->score);
    tt_steering_release(t->steering);
    tt_control_text_close(t->control);
    tt_chat_close(t->chat);
    if (t->model) {
        tt_model_close(t->model);
        tt_shared_engine_release();
    }
    tt_text_free(&t->warnings);
    tt_api_free_text(t->layout.name);
    tt_api_free_text(t->layout.file);
    tt_api_free_text(t->layout.kwargs);
    free(t);
}

void trimtab_cancel(trimtab *t) {
    static_assert(ATOMIC_BOOL_LOCK_FREE == 2); /* else it could not be called from a signal handler */
    if (t) atomic_store(&t->cancel, true);
}

const trimtab_facts *trimtab_facts_of(const trimtab *t) { return t ? &t->facts : NULL; }

/* ==== What is opened when it is needed ==== */

bool tt_api_need_chat(trimtab *t, tt_error *err) {
    if (!t->chat) t->chat = tt_chat_open(t->model, &t->layout, err);
    return t->chat != NULL;
}

bool tt_api_need_generator(trimtab *t, tt_error *err) {
    if (!t->generator) t->generator = tt_generator_open(t->model, t->context, err);
    return t->generator != NULL;
}

bool tt_api_steer(trimtab *t, tt_steering *steering, tt_error *err) {
    if (!tt_api_need_generator(t, err) || !tt_generator_steer(t->generator, steering, err)) return false;
    tt_steering_release(t->steering);
    t->steering = tt_steering_hold(steering);
    return true;
}
