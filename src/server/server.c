/* server.c: see server.h */
#include "server/server.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/http.h"
#include "vectors/vector.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUE_USUAL = 512 };

struct tt_server {
    tt_service service;
    tt_access access;
    tt_http *http;
    char *notes;
    double grace;
};

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

static bool open_mixes(tt_server *server, const tt_chat *chat, const tt_server_options *options, tt_error *err) {
    if (options->vectors && !tt_model_check_steerable(server->service.model, err)) return false;
    server->service.mixes =
        tt_mixes_open(server->service.model, server->service.model_name, chat, options->vectors, options->base, err);
    if (!server->service.mixes) return false;
    if (options->mix && !tt_mixes_set_default_text(server->service.mixes, options->mix, err)) return false;
    if (options->preset_file && !tt_mixes_read_presets(server->service.mixes, options->preset_file, err)) return false;
    for (size_t i = 0; i < options->preset_count; i++)
        if (!add_preset(server->service.mixes, options->presets[i], err)) return false;
    tt_text notes = {0};
    const tt_notes *all = tt_mixes_notes(server->service.mixes);
    for (size_t i = 0; i < all->count; i++) tt_text_addf(&notes, "%s\n", all->items[i]);
    if (!all->count) tt_text_add(&notes, "");
    server->notes = tt_text_take(&notes, err);
    return server->notes != NULL;
}

static bool open_scheduler(tt_server *server, const tt_server_options *options, tt_error *err) {
    server->service.waiting_most = options->queue ? options->queue : QUEUE_USUAL;
    const tt_scheduler_options scheduling = {
        .slots = {.slots = options->slots, .context = options->context, .listens = true},
        .queue = (uint32_t)server->service.waiting_most,
        .timeout = options->timeout,
    };
    server->service.scheduler = tt_scheduler_open(server->service.model, &scheduling, &server->service.metrics, err);
    return server->service.scheduler != NULL;
}

static void look(void *data) { tt_http_look(data); }

/* The parts, each of which works with those before it. */
static bool open_parts(tt_server *server, const tt_chat *chat, const tt_server_options *options, tt_error *err) {
    tt_service *service = &server->service;
    service->model_name = choose_name(service->model, options->model_name, err);
    if (!service->model_name || !tt_access_open(&server->access, &options->access, err) ||
        !open_mixes(server, chat, options, err) || !open_scheduler(server, options, err))
        return false;
    service->world = (tt_request_world){
        service->model, chat, service->mixes, service->model_name, tt_scheduler_context(service->scheduler), options->limit};
    server->http = tt_http_prepare(service, &server->access, &options->http, err);
    service->renders = server->http ? tt_errands_start(NULL, NULL, err) : NULL;
    service->errands = service->renders ? tt_errands_start(look, server->http, err) : NULL;
    return service->errands && tt_http_start(server->http, &options->http, err);
}

tt_server *tt_server_start(tt_model *model, const tt_chat *chat, const tt_server_options *options, tt_error *err) {
    tt_server *server = tt_alloc(1, sizeof *server, err);
    if (!server) return NULL;
    server->service.model = model;
    server->service.created = (int64_t)time(NULL);
    server->grace = options->grace;
    if (open_parts(server, chat, options, err)) return server;
    tt_server_stop(server);
    return NULL;
}

const char *tt_server_address(const tt_server *server) { return tt_http_address(server->http); }
const char *tt_server_notes(const tt_server *server) { return server->notes; }
uint32_t tt_server_slots(const tt_server *server) { return tt_scheduler_slots(server->service.scheduler); }
uint32_t tt_server_context(const tt_server *server) { return tt_scheduler_context(server->service.scheduler); }
size_t tt_server_axes(const tt_server *server) { return tt_mixes_axis_count(server->service.mixes); }

void tt_server_wait(tt_server *server, const atomic_bool *stop) {
    while (!atomic_load(stop)) tt_scheduler_work(server->service.scheduler, 0.25);
}

/* Waits until every answer has been sent, but not for long: a client may not read. */
static void wait_for_answers(tt_server *server) {
    const double begin = tt_seconds();
    const struct timespec moment = {.tv_nsec = 10000000};
    while (tt_http_is_busy(server->http) && tt_seconds() - begin < 2) nanosleep(&moment, NULL);
}

/* Takes no more connections or jobs, and works on while the grace lasts. */
static void finish(tt_server *server) {
    tt_scheduler *scheduler = server->service.scheduler;
    tt_http_close(server->http);
    atomic_store(&server->service.ending, true);
    tt_scheduler_close(scheduler);
    const double begin = tt_seconds();
    while (!tt_scheduler_is_idle(scheduler) && tt_seconds() - begin < server->grace) tt_scheduler_work(scheduler, 0.02);
    /* What waits for its prompt or its steering is refused: nobody may rest when the daemon ends. */
    tt_errands_stop(server->service.renders);
    tt_errands_stop(server->service.errands);
    tt_scheduler_refuse_all(scheduler);
    wait_for_answers(server);
    tt_http_hang_up(server->http);
}

void tt_server_stop(tt_server *server) {
    if (!server) return;
    if (server->http && tt_http_address(server->http)) finish(server);
    tt_errands_free(server->service.renders);
    tt_errands_free(server->service.errands);
    tt_http_stop(server->http);
    tt_scheduler_free(server->service.scheduler);
    tt_mixes_close(server->service.mixes);
    tt_access_free(&server->access);
    free(server->service.model_name);
    free(server->notes);
    free(server);
}
