/* internal.h: what server.c, http.c, reply.c and routes.c share. No other room includes this. */
#pragma once

#include "base/hash.h"
#include "server/mixes.h"
#include "server/scheduler.h"
#include "server/server.h"

#include <microhttpd.h>

/* A connection: somebody who may or may not ask for something. */
typedef struct tt_peer {
    struct tt_peer *next, *previous;
    int descriptor;
    bool asking;    /* a request has begun to come in */
    bool answering; /* a whole request is here, and is being answered */
    double since;   /* when it began to be silent, or to ask */
} tt_peer;

struct tt_server {
    tt_model *model;
    tt_metrics metrics;
    tt_mixes *mixes;
    tt_scheduler *scheduler;
    tt_request_world world;
    struct MHD_Daemon *daemon;
    char *address, *notes, *model_name, *cors;
    unsigned char (*keys)[SHA256_DIGEST_SIZE]; /* hashes */
    size_t key_count;
    bool loopback, tls;
    size_t body_limit;
    double idle, grace;
    int64_t created;

    pthread_mutex_t peers_mutex;
    tt_peer *peers;
};

/* One request of a connection, from its first byte to the last of the answer. */
typedef struct tt_exchange {
    tt_server *server;
    struct MHD_Connection *connection;
    tt_peer *peer;
    const struct tt_route *route;
    const char *path;    /* MHD's, while the handler runs */
    const char *allowed; /* methods, where the request's is not possible at its path */
    size_t key;          /* which key the client has given, counted from 1; 0: none was wanted */
    tt_text body;
    bool too_large;
    tt_job *job;
    unsigned status; /* of the answer; 0: none has gone out */
} tt_exchange;

typedef struct tt_route {
    const char *method, *path;
    bool open;   /* needs no key */
    bool prefix; /* the path goes on */
    enum MHD_Result (*handle)(tt_exchange *exchange);
} tt_route;

/* The route for a request, or NULL: `*allowed` then lists the methods that the path is there for, or is NULL. */
const tt_route *tt_route_find(const char *method, const char *path, const char **allowed);

/* Sends an answer with all its headers. MHD_NO where it cannot for want of memory: libmicrohttpd then closes the connection.
 * `body` is freed. */
enum MHD_Result tt_reply(tt_exchange *exchange, unsigned status, const char *type, tt_text *body);
enum MHD_Result tt_reply_json(tt_exchange *exchange, unsigned status, yyjson_mut_doc *doc); /* `doc` is freed */
enum MHD_Result tt_reply_refusal(tt_exchange *exchange, const tt_refusal *refusal);

/* Sends memory that outlives the server, with headers for a page. */
enum MHD_Result tt_reply_page(tt_exchange *exchange, const unsigned char *page, size_t length);

/* Sends events as `read` hands them out, with `exchange` as its data. */
enum MHD_Result tt_reply_stream(tt_exchange *exchange, MHD_ContentReaderCallback read);

/* 204. */
enum MHD_Result tt_reply_nothing(tt_exchange *exchange);

/* Hands the job over to be computed; the connection rests until there is something to say. `job` is taken. */
enum MHD_Result tt_begin_job(tt_exchange *exchange, tt_job *job);

/* The daemon. */
bool tt_http_start(tt_server *server, const tt_server_options *options, tt_error *err);
void tt_http_close_silent(tt_server *server); /* hangs up on connections that have been silent for too long */
