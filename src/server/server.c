/* server.c: see server.h */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/internal.h"
#include "vectors/vector.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_USUAL = 64, BODY_USUAL = 4 << 20, IDLE_USUAL = 60 };

static bool take_keys(tt_server *server, const tt_server_options *options, tt_error *err) {
    server->keys = tt_alloc(options->key_count, sizeof *server->keys, err);
    if (!server->keys) return false;
    for (size_t i = 0; i < options->key_count; i++) {
        if (!*options->keys[i]) return tt_fail(err, TT_ERROR_USAGE, "an API key is empty: give one that cannot be guessed");
        struct sha256_ctx context;
        sha256_init(&context);
        sha256_update(&context, strlen(options->keys[i]), (const uint8_t *)options->keys[i]);
        sha256_digest(&context, SHA256_DIGEST_SIZE, server->keys[i]);
    }
    server->key_count = options->key_count;
    return true;
}

/* Whatever else is no origin could not be sent as a header, or would let nobody in. */
static bool check_cors(const char *cors, tt_error *err) {
    if (!cors || !strcmp(cors, "*")) return true;
    const char *scheme = strstr(cors, "://");
    bool plain = scheme && scheme > cors && scheme[3] && !strchr(scheme + 3, '/');
    for (const char *at = cors; *at && plain; at++) plain = (unsigned char)*at > ' ' && *at != 127;
    return plain ||
           tt_fail(err, TT_ERROR_USAGE, "--cors '%s' is no origin: give one such as https://example.org, or *", cors);
}

/* "SmolLM2 135M Instruct" is called SmolLM2-135M-Instruct. What follows '@' is a mix, so the name has none. */
static char *choose_name(const tt_model *model, const char *wanted, tt_error *err) {
    if (!wanted) return tt_safe_name(tt_model_facts_of(model)->name, err);
    if (*wanted && !strpbrk(wanted, "@\"\\")) return tt_strdup(wanted, err);
    tt_fail(err, TT_ERROR_USAGE, "--alias '%s' cannot be the model's name: it should not be empty, and have no @ or quotes",
            wanted);
    return NULL;
}

/* "NAME=MIX" */
static bool add_preset(tt_mixes *mixes, const char *text, tt_error *err) {
    const char *equals = strchr(text, '=');
    if (!equals) return tt_fail(err, TT_ERROR_USAGE, "--preset '%s' should be NAME=MIX, such as baroque=language=0.8", text);
    char *name = tt_strndup(text, (size_t)(equals - text), err);
    const bool ok = name && tt_mixes_add_preset(mixes, name, equals + 1, err);
    free(name);
    return ok;
}

static bool open_mixes(tt_server *server, const tt_server_options *options, tt_error *err) {
    if (options->vectors && !tt_model_check_steerable(server->model, err)) return false;
    server->mixes = tt_mixes_open(server->model, server->model_name, options->vectors, options->base, err);
    if (!server->mixes) return false;
    if (options->mix && !tt_mixes_set_default_text(server->mixes, options->mix, err)) return false;
    if (options->preset_file && !tt_mixes_read_presets(server->mixes, options->preset_file, err)) return false;
    for (size_t i = 0; i < options->preset_count; i++)
        if (!add_preset(server->mixes, options->presets[i], err)) return false;
    tt_text notes = {0};
    const tt_notes *all = tt_mixes_notes(server->mixes);
    for (size_t i = 0; i < all->count; i++) tt_text_addf(&notes, "%s\n", all->items[i]);
    if (!all->count) tt_text_add(&notes, "");
    server->notes = tt_text_take(&notes, err);
    return server->notes != NULL;
}

static bool open_scheduler(tt_server *server, const tt_server_options *options, tt_error *err) {
    const tt_scheduler_options scheduling = {
        .slots = {.slots = options->slots, .context = options->context},
        .queue = options->queue ? options->queue : QUEUE_USUAL,
        .timeout = options->timeout,
    };
    server->scheduler = tt_scheduler_open(server->model, &scheduling, &server->metrics, err);
    return server->scheduler != NULL;
}

tt_server *tt_server_start(tt_model *model, const tt_chat *chat, const tt_server_options *options, tt_error *err) {
    tt_server *server = tt_alloc(1, sizeof *server, err);
    if (!server) return NULL;
    pthread_mutex_init(&server->peers_mutex, NULL);
    server->model = model;
    server->created = (int64_t)time(NULL);
    server->body_limit = options->body_limit ? options->body_limit : BODY_USUAL;
    server->idle = options->idle > 0 ? options->idle : IDLE_USUAL;
    server->grace = options->grace;
    server->model_name = choose_name(model, options->model_name, err);
    server->cors = options->cors ? tt_strdup(options->cors, err) : NULL;
    bool ok = check_cors(options->cors, err) && server->model_name && (server->cors || !options->cors) &&
              take_keys(server, options, err) && open_mixes(server, options, err) && open_scheduler(server, options, err);
    if (ok)
        server->world = (tt_request_world){
            model, chat, server->mixes, server->model_name, tt_scheduler_context(server->scheduler), options->limit};
    if (ok && tt_http_start(server, options, err)) return server;
    tt_server_stop(server);
    return NULL;
}

const char *tt_server_address(const tt_server *server) { return server->address; }
const char *tt_server_notes(const tt_server *server) { return server->notes; }
uint32_t tt_server_slots(const tt_server *server) { return tt_scheduler_slots(server->scheduler); }
uint32_t tt_server_context(const tt_server *server) { return tt_scheduler_context(server->scheduler); }
size_t tt_server_axes(const tt_server *server) { return tt_mixes_axis_count(server->mixes); }

void tt_server_wait(tt_server *server, const atomic_bool *stop) {
    while (!atomic_load(stop)) {
        tt_scheduler_work(server->scheduler, 0.25);
        tt_http_close_silent(server);
    }
}

/* Waits until every answer has been sent, but not for long: a client may not read. */
static void wait_for_answers(tt_server *server) {
    const double begin = tt_seconds();
    const struct timespec moment = {.tv_nsec = 10000000};
    bool sending = true;
    while (sending && tt_seconds() - begin < 2) {
        sending = false;
        pthread_mutex_lock(&server->peers_mutex);
        for (const tt_peer *peer = server->peers; peer; peer = peer->next) sending = sending || peer->answering;
        pthread_mutex_unlock(&server->peers_mutex);
        if (sending) nanosleep(&moment, NULL);
    }
}

/* Takes no more connections or jobs, and works on while the grace lasts. */
static void finish(tt_server *server) {
    const MHD_socket listener = MHD_quiesce_daemon(server->daemon);
    if (listener != MHD_INVALID_SOCKET) close(listener);
    tt_scheduler_close(server->scheduler);
    const double begin = tt_seconds();
    while (!tt_scheduler_is_idle(server->scheduler) && tt_seconds() - begin < server->grace)
        tt_scheduler_work(server->scheduler, 0.02);
    tt_scheduler_refuse_all(server->scheduler);
    wait_for_answers(server);
    MHD_stop_daemon(server->daemon);
}

void tt_server_stop(tt_server *server) {
    if (!server) return;
    if (server->daemon) finish(server);
    tt_scheduler_free(server->scheduler);
    tt_mixes_close(server->mixes);
    pthread_mutex_destroy(&server->peers_mutex);
    free(server->keys);
    free(server->address);
    free(server->notes);
    free(server->model_name);
    free(server->cors);
    free(server);
}
