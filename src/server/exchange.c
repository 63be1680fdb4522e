/* exchange.c: see exchange.h
 *
 * An answer has all of its headers or does not go out: some of them keep a browser from doing what a stranger's text asks it
 * to. Where memory is too short for one, the connection is closed instead. */
#include "server/exchange.h"
#include "base/json.h"
#include "server/peers.h"
#include "server/service.h"

#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { STREAM_BLOCK = 16 * 1024 }; /* bytes that libmicrohttpd asks of a stream at once, at most */

/* ==== What is asked ==== */

static const char *look_up(const tt_exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

const char *tt_exchange_body(const tt_exchange *exchange) { return exchange->body.data ? exchange->body.data : ""; }

tt_visitor tt_exchange_visitor(const tt_exchange *exchange) {
    const char *key = look_up(exchange, "x-api-key");
    return (tt_visitor){
        .host = look_up(exchange, MHD_HTTP_HEADER_HOST),
        .origin = look_up(exchange, MHD_HTTP_HEADER_ORIGIN),
        .authorization = look_up(exchange, MHD_HTTP_HEADER_AUTHORIZATION),
        .key = key ? key : look_up(exchange, "api-key"),
    };
}

void tt_exchange_name_client(const tt_exchange *exchange, char name[static TT_CLIENT_NAME]) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return;
    const socklen_t length =
        info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    char address[INET6_ADDRSTRLEN] = "";
    getnameinfo(info->client_addr, length, address, sizeof address, NULL, 0, NI_NUMERICHOST);
    snprintf(name, TT_CLIENT_NAME, "%s %zu", address, exchange->key);
}

/* ==== Answers ==== */

typedef struct header {
    const char *name, *value; /* a value of NULL: the header is left out */
} header;

/* Adds headers up to the first without a name. */
static bool add_headers(struct MHD_Response *response, const header *headers) {
    for (; headers->name; headers++)
        if (headers->value && MHD_add_response_header(response, headers->name, headers->value) != MHD_YES) return false;
    return true;
}

/* What a browser may do with the answer, and with the request that it asks about beforehand. */
static bool add_common_headers(const tt_exchange *exchange, struct MHD_Response *response) {
    const char *origin = tt_access_allowed_origin(exchange->access, look_up(exchange, MHD_HTTP_HEADER_ORIGIN));
    const header common[] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Access-Control-Allow-Origin", origin},
        {"Access-Control-Expose-Headers", origin ? "Retry-After" : NULL},
        {"Vary", origin && strcmp(origin, "*") != 0 ? "Origin" : NULL},
        {0},
    };
    return add_headers(response, common);
}

/* Sends `response`, which is taken, with `headers` (as add_headers wants them) and the common ones. NULL: there was no
 * memory for it. */
static bool send_response(tt_exchange *exchange, unsigned status, const header *headers, struct MHD_Response *response) {
    if (!response) return false;
    const bool complete = add_headers(response, headers) && add_common_headers(exchange, response);
    if (complete && exchange->elsewhere) {
        exchange->response = response;
        exchange->status = status;
        return true;
    }
    const bool sent = complete && MHD_queue_response(exchange->connection, status, response) == MHD_YES;
    if (sent) exchange->status = status;
    MHD_destroy_response(response);
    return sent;
}

/* The same with `length` bytes, which are freed; NULL: there was no memory for them. */
static bool send_bytes(tt_exchange *exchange, unsigned status, const header *headers, char *bytes, size_t length) {
    if (!bytes) return false;
    struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) free(bytes);
    return send_response(exchange, status, headers, response);
}

bool tt_reply(tt_exchange *exchange, unsigned status, const char *type, tt_text *body) {
    const header headers[] = {{MHD_HTTP_HEADER_CONTENT_TYPE, type}, {0}};
    const size_t length = body->length;
    char *bytes = tt_text_take(body, NULL);
    return send_bytes(exchange, status, headers, bytes, length);
}

bool tt_reply_json(tt_exchange *exchange, unsigned status, yyjson_mut_doc *doc) {
    static const header headers[] = {{MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"}, {0}};
    size_t length;
    tt_error err = {0};
    char *json = tt_json_text(doc, YYJSON_WRITE_NOFLAG, &length, &err);
    yyjson_mut_doc_free(doc);
    if (json) return send_bytes(exchange, status, headers, json, length);
    tt_refusal refusal = {0};
    tt_refuse_error(&refusal, "", &err);
    return tt_reply_refusal(exchange, &refusal);
}

bool tt_reply_refusal(tt_exchange *exchange, const tt_refusal *refusal) {
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", refusal->retry_after);
    const header headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"},
        {MHD_HTTP_HEADER_RETRY_AFTER, refusal->retry_after ? seconds : NULL},
        {MHD_HTTP_HEADER_WWW_AUTHENTICATE, refusal->status == 401 ? "Bearer" : NULL},
        {MHD_HTTP_HEADER_ALLOW, refusal->status == 405 ? exchange->allowed : NULL},
        {0},
    };
    tt_text body = {0};
    exchange->form->refusal(refusal, &body);
    const size_t length = body.length;
    return send_bytes(exchange, refusal->status, headers, tt_text_take(&body, NULL), length);
}

bool tt_reply_page(tt_exchange *exchange, const unsigned char *page, size_t length) {
    static const header headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8"},
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
         "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"Referrer-Policy", "no-referrer"},
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"},
        {0},
    };
    return send_response(exchange, 200, headers, MHD_create_response_from_buffer_static(length, page));
}

/* Whatever headers the browser asks for may be sent: which are of use is the server's own business. */
bool tt_reply_preflight(tt_exchange *exchange) {
    const char *asked = look_up(exchange, "Access-Control-Request-Headers");
    const bool private = look_up(exchange, "Access-Control-Request-Private-Network") != NULL;
    const header headers[] = {
        {"Access-Control-Allow-Headers", asked && *asked ? asked : "Authorization, Content-Type"},
        {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
        {"Access-Control-Allow-Private-Network", private ? "true" : NULL},
        {"Access-Control-Max-Age", "600"},
        {"Vary", "Access-Control-Request-Headers"},
        {0},
    };
    return send_response(exchange, 204, headers, MHD_create_response_from_buffer_static(0, ""));
}

/* ==== Answers that come later ==== */

static void rest(void *connection) { MHD_suspend_connection(connection); }
static void wake(void *connection) { MHD_resume_connection(connection); }

/* libmicrohttpd wants up to `most` bytes of the stream. */
static ssize_t read_stream(void *data, uint64_t position, char *buffer, size_t most) {
    (void)position;
    const ssize_t given = tt_delivery_take(data, buffer, most, rest);
    return given == TT_DELIVERY_END      ? MHD_CONTENT_READER_END_OF_STREAM
           : given == TT_DELIVERY_BROKEN ? MHD_CONTENT_READER_END_WITH_ERROR
                                         : given;
}

static bool send_stream(tt_exchange *exchange) {
    const header headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, exchange->delivery->form->stream_type},
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"},
        {"X-Accel-Buffering", "no"}, /* a proxy in between is to pass every event on at once */
        {0},
    };
    return send_response(
        exchange, 200, headers,
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, exchange->delivery, NULL));
}

/* Sends what a handler in another thread has ended in. */
static bool send_kept(tt_exchange *exchange) {
    struct MHD_Response *response = exchange->response;
    exchange->response = NULL;
    const bool sent = MHD_queue_response(exchange->connection, exchange->status, response) == MHD_YES;
    if (!sent) exchange->status = 0;
    MHD_destroy_response(response);
    return sent;
}

bool tt_reply_continue(tt_exchange *exchange) {
    if (exchange->failed) return false;
    if (exchange->response) return send_kept(exchange);
    tt_text body = {0};
    tt_refusal refusal = {0};
    switch (tt_delivery_look(exchange->delivery, &body, &refusal, rest)) {
    case TT_DELIVERY_NOTHING:
        return true;
    case TT_DELIVERY_STREAM:
        return send_stream(exchange);
    case TT_DELIVERY_BODY:
        return tt_reply(exchange, 200, exchange->delivery->form->body_type, &body);
    case TT_DELIVERY_REFUSED:
        return tt_reply_refusal(exchange, &refusal);
    case TT_DELIVERY_GONE:
        break;
    }
    return false;
}

bool tt_reply_later(tt_exchange *exchange, tt_delivery *delivery) {
    exchange->delivery = delivery;
    tt_delivery_attach(delivery, exchange->peer ? exchange->peer->descriptor : -1, wake, exchange->connection);
    tt_peer_note(exchange->peer, delivery);
    return exchange->elsewhere || tt_reply_continue(exchange);
}

/* ==== Answers that another thread finds ==== */

/* The handler's thread: MHD_resume_connection comes last, since the talking thread may then free the exchange at once. */
static void handle_elsewhere(tt_errand *errand) {
    tt_exchange *exchange = (tt_exchange *)(void *)((char *)errand - offsetof(tt_exchange, errand));
    tt_refusal refusal = {0};
    if (atomic_load(&exchange->service->ending)) {
        tt_refuse(&refusal, 503, "", "the server is shutting down");
        exchange->failed = !tt_reply_refusal(exchange, &refusal);
    } else {
        exchange->failed = !exchange->handle(exchange);
    }
    exchange->elsewhere = false;
    wake(exchange->connection);
}

bool tt_reply_elsewhere(tt_exchange *exchange, bool (*handle)(tt_exchange *exchange)) {
    const tt_service *service = exchange->service;
    exchange->handle = handle;
    exchange->errand.run = handle_elsewhere;
    exchange->elsewhere = true;
    rest(exchange->connection); /* first, as the other thread may be quick */
    if (tt_errands_add(service->renders, &exchange->errand, service->waiting_most)) return true;
    exchange->elsewhere = false;
    wake(exchange->connection);
    tt_refusal refusal = {.retry_after = 1};
    tt_refuse(&refusal, 503, "", "the server is busy with other conversations; come back in a second");
    return tt_reply_refusal(exchange, &refusal);
}

bool tt_exchange_waits(const tt_exchange *exchange) { return exchange->failed || exchange->response || exchange->delivery; }
