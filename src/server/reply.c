/* reply.c: answers on their way out: the bytes, and the headers that go with them.
 *
 * An answer has all of its headers or does not go out: some of them keep a browser from doing what a stranger's text asks it
 * to. Where memory is too short for one, the connection is closed instead. */
#include "base/json.h"
#include "server/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_BLOCK = 16 * 1024 }; /* bytes that libmicrohttpd asks of a stream at once, at most */

typedef struct header {
    const char *name, *value; /* a value of NULL: the header is left out */
} header;

/* Adds headers up to the first without a name. */
static bool add_headers(struct MHD_Response *response, const header *headers) {
    for (; headers->name; headers++)
        if (headers->value && MHD_add_response_header(response, headers->name, headers->value) != MHD_YES) return false;
    return true;
}

static bool add_common_headers(const tt_exchange *exchange, struct MHD_Response *response) {
    const char *cors = exchange->server->cors;
    const header common[] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Access-Control-Allow-Origin", cors},
        {"Access-Control-Allow-Headers", cors ? "Authorization, Content-Type" : NULL},
        {"Access-Control-Allow-Methods", cors ? "GET, POST, OPTIONS" : NULL},
        {"Vary", cors && strcmp(cors, "*") != 0 ? "Origin" : NULL},
        {0},
    };
    return add_headers(response, common);
}

/* Sends `response`, which is taken, with `headers` (as add_headers wants them) and the common ones. NULL: there was no
 * memory for it. */
static enum MHD_Result send_response(tt_exchange *exchange, unsigned status, const header *headers,
                                     struct MHD_Response *response) {
    if (!response) return MHD_NO;
    const bool complete = add_headers(response, headers) && add_common_headers(exchange, response);
    const enum MHD_Result result = complete ? MHD_queue_response(exchange->connection, status, response) : MHD_NO;
    if (result == MHD_YES) exchange->status = status;
    MHD_destroy_response(response);
    return result;
}

/* The same with `length` bytes, which are freed; NULL: there was no memory for them. */
static enum MHD_Result send_bytes(tt_exchange *exchange, unsigned status, const header *headers, char *bytes,
                                  size_t length) {
    if (!bytes) return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(length, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) free(bytes);
    return send_response(exchange, status, headers, response);
}

enum MHD_Result tt_reply(tt_exchange *exchange, unsigned status, const char *type, tt_text *body) {
    const header headers[] = {{MHD_HTTP_HEADER_CONTENT_TYPE, type}, {0}};
    const size_t length = body->length;
    char *bytes = tt_text_take(body, NULL);
    return send_bytes(exchange, status, headers, bytes, length);
}

enum MHD_Result tt_reply_json(tt_exchange *exchange, unsigned status, yyjson_mut_doc *doc) {
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

enum MHD_Result tt_reply_refusal(tt_exchange *exchange, const tt_refusal *refusal) {
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%u", refusal->retry_after);
    const header headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, "application/json"},
        {MHD_HTTP_HEADER_RETRY_AFTER, refusal->retry_after ? seconds : NULL},
        {MHD_HTTP_HEADER_WWW_AUTHENTICATE, refusal->status == 401 ? "Bearer" : NULL},
        {MHD_HTTP_HEADER_ALLOW, refusal->status == 405 ? exchange->allowed : NULL},
        {0},
    };
    size_t length = 0;
    char *json = tt_refusal_json(refusal, &length);
    return send_bytes(exchange, refusal->status, headers, json, length);
}

enum MHD_Result tt_reply_page(tt_exchange *exchange, const unsigned char *page, size_t length) {
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

enum MHD_Result tt_reply_stream(tt_exchange *exchange, MHD_ContentReaderCallback read) {
    static const header headers[] = {
        {MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream"},
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"},
        {"X-Accel-Buffering", "no"}, /* a proxy in between is to pass every event on at once */
        {0},
    };
    return send_response(exchange, 200, headers,
                         MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read, exchange, NULL));
}

enum MHD_Result tt_reply_nothing(tt_exchange *exchange) {
    static const header none[] = {{0}};
    return send_response(exchange, 204, none, MHD_create_response_from_buffer_static(0, ""));
}
