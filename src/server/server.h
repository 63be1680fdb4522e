/* server.h: `trimtab serve`: one model, many clients, a mix for each request (docs/serving.md).
 *
 *   http.c       connections, limits, who may come in; hands bodies over                    (MHD's thread)
 *   routes.c     what each path answers                     reply.c    an answer goes out, with its headers
 *   request.c    a body becomes a checked request            openai.c   an answer becomes JSON
 *   mixes.c      what the vectors of the folder can do; presets; the default mix
 *   scheduler.c  the queue and the slots                                                     (the caller's thread)
 *   answer.c     one answer: token by token, cut at stop texts                               (the caller's thread)
 *   metrics.c    what is counted
 *
 * libmicrohttpd talks in a thread of its own; the caller's, which opened the model, computes (scheduler.h says why).
 */
#pragma once

#include "apply/mix.h"
#include "model/chat.h"
#include "model/model.h"

#include <stdint.h>

typedef struct tt_server_options {
    const char *host;        /* an address or a name; NULL: 127.0.0.1 */
    uint16_t port;           /* 0: any free one */
    const char *const *keys; /* API keys, any of which lets in; none: everybody may come in */
    size_t key_count;
    bool no_auth;     /* the caller knows that everybody may come in, although the address is not the machine's own */
    const char *cors; /* an origin, or "*": whose pages may use this server; NULL: nobody's but its own */
    const char *tls_certificate, *tls_key; /* PEM texts; NULL: no TLS */
    const char *vectors;                   /* folder; NULL: no steering by name */
    const tt_mix *base;                    /* what every mix has in it, whatever a client asks for; NULL: nothing */
    const char *model_name;                /* what clients call the model; NULL: the name in its file, made fit */
    const char *const *presets;            /* "NAME=MIX" */
    size_t preset_count;
    const char *preset_file; /* JSON; NULL: none */
    const char *mix;         /* the default mix; NULL: none */
    uint32_t slots, context; /* conversations at once; tokens of each (0: see slots.h) */
    uint32_t queue;          /* requests that may wait; 0: 64 */
    int64_t limit;           /* most tokens an answer may have; negative: no limit but the context */
    size_t body_limit;       /* bytes of a request; 0: 4 MiB */
    uint32_t connections;    /* at once; 0: 4096 */
    double timeout;          /* seconds a request may take, waiting included; 0: any */
    double idle;             /* seconds a connection may take to send its request; 0: 60 */
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
