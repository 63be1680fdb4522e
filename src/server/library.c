/* library.c: the public server: include/trimtab_serve.h on server.h. */
#include "api/handle.h"
#include "api/mix.h"
#include "api/options.h"
#include "base/memory.h"
#include "server/server.h"
#include "trimtab_serve.h"

#include <stdlib.h>

enum { SLOTS_USUAL = 4, PORT_USUAL = 8080, GRACE_USUAL = 30, SLOTS_MOST = 64 };

struct trimtab_server {
    trimtab *t;
    tt_server *server;
    trimtab_server_facts facts;
    tt_text notes;
};

trimtab_serve_options trimtab_serve_defaults(void) {
    return (trimtab_serve_options){.size = sizeof(trimtab_serve_options),
                                   .parallel = SLOTS_USUAL,
                                   .limit = -1,
                                   .grace = GRACE_USUAL,
                                   .port = PORT_USUAL};
}

/* A model without a chat template still completes text, unless a template was asked for. */
static bool open_chat(trimtab *t, tt_text *notes, tt_error *err) {
    const tt_chat_options *layout = &t->layout;
    if (tt_api_need_chat(t, err)) return true;
    if (err->kind == TT_ERROR_MEMORY || err->kind == TT_ERROR_IO || layout->name || layout->file || layout->kwargs)
        return false;
    tt_text_addf(notes, "trimtab: only /v1/completions can be served: %s\n", err->message);
    *err = (tt_error){0};
    return true;
}

static tt_server_options options_of(const trimtab *t, const trimtab_serve_options *options) {
    return (tt_server_options){
        .http = {.host = options->host,
                 .port = options->port,
                 .tls_certificate = options->tls_certificate,
                 .tls_key = options->tls_key,
                 .body_limit = options->body_limit,
                 .connections = options->connections,
                 .idle = options->idle},
        .access = {.keys = options->keys,
                   .key_count = options->key_count,
                   .no_auth = options->no_auth != 0,
                   .cors = options->cors,
                   .hosts = options->hosts,
                   .host_count = options->host_count},
        .vectors = options->vectors,
        .base = options->base ? tt_mixer_wanted(options->base->mixer) : NULL,
        .model_name = options->model_name,
        .presets = options->presets,
        .preset_count = options->preset_count,
        .preset_file = options->preset_file,
        .mix = options->mix,
        .slots = options->parallel,
        .context = t->context / options->parallel,
        .queue = options->queue,
        .limit = options->limit,
        .timeout = options->timeout,
        .grace = options->grace,
    };
}

static bool check_options(const trimtab *t, const trimtab_serve_options *options, tt_error *err) {
    if (options->parallel < 1 || options->parallel > SLOTS_MOST)
        return tt_fail(err, TT_ERROR_USAGE, "parallel takes a number from 1 to %d, not %u", SLOTS_MOST, options->parallel);
    if (t->context && t->context < options->parallel)
        return tt_fail(err, TT_ERROR_USAGE, "-c %u is shared out among %u conversations (-np): give them more tokens",
                       t->context, options->parallel);
    return !options->tls_certificate == !options->tls_key ||
           tt_fail(err, TT_ERROR_USAGE, "a certificate and its key belong together: give both");
}

static bool start(trimtab_server *server, const trimtab_serve_options *given, tt_error *err) {
    trimtab *t = server->t;
    trimtab_serve_options options = trimtab_serve_defaults();
    if (!tt_api_options(&options, sizeof options, given, "trimtab_serve_options", err) || !check_options(t, &options, err) ||
        !open_chat(t, &server->notes, err))
        return false;
    const tt_server_options server_options = options_of(t, &options);
    if (!(server->server = tt_server_start(t->model, t->chat, &server_options, err))) return false;
    tt_text_add(&server->notes, tt_server_notes(server->server));
    server->facts = (trimtab_server_facts){
        .address = tt_server_address(server->server),
        .notes = server->notes.data,
        .slots = tt_server_slots(server->server),
        .context = tt_server_context(server->server),
        .axis_count = tt_server_axes(server->server),
    };
    return tt_text_ok(&server->notes, err);
}

trimtab_server *trimtab_serve_start(trimtab *t, const trimtab_serve_options *options, trimtab_error *error) {
    tt_error err = {0};
    trimtab_server *server = tt_api_begin(t, "trimtab_serve_start", &err) ? tt_alloc(1, sizeof *server, &err) : NULL;
    if (server) server->t = t;
    const bool ok = server && start(server, options, &err);
    tt_api_status(ok, &err, error);
    if (ok) return server;
    trimtab_serve_stop(server);
    return NULL;
}

void trimtab_serve_run(trimtab_server *server) { tt_server_wait(server->server, &server->t->cancel); }

void trimtab_serve_stop(trimtab_server *server) {
    if (!server) return;
    tt_server_stop(server->server);
    tt_text_free(&server->notes);
    free(server);
}

const trimtab_server_facts *trimtab_server_facts_of(const trimtab_server *server) { return &server->facts; }
