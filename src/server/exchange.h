/* exchange.h: one request of a connection, from its first byte to the last of the answer, and the ways to answer it.
 *
 * Handlers (protocols/) get one, look at its path and body, and end in one of these: each returns false where it cannot even
 * say what failed, for want of memory; the connection is then closed. */
#pragma once

#include "server/access.h"
#include "server/delivery.h"
#include "server/errands.h"

#include <yyjson.h>

struct MHD_Connection;
struct MHD_Response;
struct tt_route;
struct tt_service;
struct tt_peer;

typedef struct tt_exchange {
    struct tt_service *service;
    const tt_access *access;
    struct MHD_Connection *connection;
    struct tt_peer *peer;
    const tt_form *form; /* of its protocol: how errors look */
    const struct tt_route *route;
    char rest[256];      /* of its path, what follows the route's own, where that goes on */
    const char *allowed; /* methods, where the request's is not possible at its path */
    size_t key;          /* which key the client has given, counted from 1; 0: none was wanted */
    tt_text body;
    bool too_large;
    tt_delivery *delivery; /* what is waited for */
    unsigned status;       /* of the answer; 0: none has gone out */

    /* While its handler runs in another thread than the talking one: */
    bool elsewhere;
    tt_errand errand;
    bool (*handle)(struct tt_exchange *exchange);
    bool failed;                   /* the handler could not say what failed */
    struct MHD_Response *response; /* what the handler ended in, with `status`; NULL where it is `delivery` */
} tt_exchange;

/* The body's bytes; "" for none. */
const char *tt_exchange_body(const tt_exchange *exchange);

/* Who asks. The texts are the exchange's. */
tt_visitor tt_exchange_visitor(const tt_exchange *exchange);

/* Where they ask from: "ADDRESS KEY-NUMBER", whom the scheduler is to be fair to. */
enum { TT_CLIENT_NAME = 64 };
void tt_exchange_name_client(const tt_exchange *exchange, char name[static TT_CLIENT_NAME]);

/* Sends an answer with all its headers. `body` and `doc` are freed. */
bool tt_reply(tt_exchange *exchange, unsigned status, const char *type, tt_text *body);
bool tt_reply_json(tt_exchange *exchange, unsigned status, yyjson_mut_doc *doc);
bool tt_reply_refusal(tt_exchange *exchange, const tt_refusal *refusal);

/* Sends memory that outlives the server, with headers for a page. */
bool tt_reply_page(tt_exchange *exchange, const unsigned char *page, size_t length);

/* 204: what a browser asks before it lets another origin's page do something. */
bool tt_reply_preflight(tt_exchange *exchange);

/* What `delivery` brings is the answer; the connection rests meanwhile. One reference is taken. */
bool tt_reply_later(tt_exchange *exchange, tt_delivery *delivery);

/* The answer is what `handle` ends in, which runs in the thread that lays out conversations: that may take as long as a chat
 * template likes, and no other client is to wait for it. The connection rests meanwhile, and `exchange->elsewhere` is true.
 */
bool tt_reply_elsewhere(tt_exchange *exchange, bool (*handle)(tt_exchange *exchange));

/* True when an answer is under way: the connection has been woken, and tt_reply_continue goes on with it. */
bool tt_exchange_waits(const tt_exchange *exchange);
bool tt_reply_continue(tt_exchange *exchange);
