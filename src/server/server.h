/* server.h: `trimtab serve`: one model, many clients, a mix for each request (docs/serving.md).
 *
 * Each part works with those above it, and knows nothing of those below:
 *   refusal, fields        why a request is not answered; the fields of its JSON
 *   mixes (axes)           what the vectors of the folder can do; presets; the default mix
 *   request (prompts,      what a client wants written, checked; readers that protocols share
 *     sampling_fields, unsupported)
 *   form, delivery         the shape of answers; bytes between the thread that makes them and the one that talks
 *   answer, job            one answer: token by token, cut at stop texts; one request with all its answers
 *   scheduler, metrics     the queue and the slots; what is counted                        (the caller's thread)
 *   errands, dispatch      reads vector files, then hands a request to the scheduler       (a thread of its own)
 *   service                all of the above, for protocols to work with
 *   access                 keys, names, origins
 *   peers, exchange        open connections; one request and the ways to answer it         (libmicrohttpd's thread)
 *   protocol, protocols/   paths and forms: one file an API;  router: which of them a path belongs to
 *   http                   connections, limits; hands bodies over
 *   library                include/trimtab_serve.h on top of it all
 *
 * libmicrohttpd talks in a thread of its own; the caller's, which opened the model, computes (scheduler.h says why). */
#pragma once

#include "apply/mix.h"
#include "server/http.h"

#include <stdint.h>

typedef struct tt_server_options {
    tt_http_options http;
    tt_access_options access;
    const char *vectors;        /* folder; NULL: no steering by name */
    const tt_mix *base;         /* what every mix has in it, whatever a client asks for; NULL: nothing */
    const char *model_name;     /* what clients call the model; NULL: the name in its file, made fit */
    const char *const *presets; /* "NAME=MIX" */
    size_t preset_count;
    const char *preset_file; /* JSON; NULL: none */
    const char *mix;         /* the default mix; NULL: none */
    uint32_t slots, context; /* conversations at once; tokens of each (0: see slots.h) */
    uint32_t queue;          /* requests that may wait; 0: 512 */
    int64_t limit;           /* most tokens an answer may have; negative: no limit but the context */
    double timeout;          /* seconds a request may take, waiting included; 0: any */
    double grace;            /* seconds that running requests are given when the server ends */
} tt_server_options;

typedef struct tt_server tt_server;

/* Listens from now on; text is written while tt_server_wait runs. `model` and `chat` (NULL: completions only) must outlive
 * it; the options' texts are copied. */
tt_server *tt_server_start(tt_model *model, const tt_chat *chat, const tt_server_options *options, tt_error *err);

/* "http://127.0.0.1:8080", as it came out. The server's. */
const char *tt_server_address(const tt_server *server);

/* What the server has to say of its vectors, a line each; "" when nothing. The server's. */
const char *tt_server_notes(const tt_server *server);

uint32_t tt_server_slots(const tt_server *server);
uint32_t tt_server_context(const tt_server *server);
size_t tt_server_axes(const tt_server *server);

/* Answers requests until soon after `*stop` has become true. For the thread that opened the model. */
void tt_server_wait(tt_server *server, const atomic_bool *stop);

/* Takes no more requests, finishes running ones for as long as the grace lasts, and ends. The same thread's; harmless on
 * NULL. */
void tt_server_stop(tt_server *server);
