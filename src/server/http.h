/* http.h: connections: limits, who may come in, and bodies on their way in. What is answered is the protocols' business.
 *
 * libmicrohttpd waits for all connections in one thread. A connection whose answer is being made rests (is suspended), and
 * whoever makes it wakes the connection when there is something to send. Nobody can keep that thread waiting: bodies are
 * limited, and a connection that does not get its request together in time is hung up on. */
#pragma once

#include "server/access.h"
#include "server/service.h"

typedef struct tt_http_options {
    const char *host;                      /* an address or a name; NULL: 127.0.0.1 */
    uint16_t port;                         /* 0: any free one */
    const char *tls_certificate, *tls_key; /* PEM texts; NULL: no TLS */
    size_t body_limit;                     /* bytes of a request; 0: 4 MiB */
    uint32_t connections;                  /* at once; 0: 4096 */
    double idle;                           /* seconds a connection may take to send its request; 0: 60 */
} tt_http_options;

typedef struct tt_http tt_http;

/* Both must outlive it. It does not listen yet. */
tt_http *tt_http_prepare(tt_service *service, tt_access *access, const tt_http_options *options, tt_error *err);

/* Listens, with the same options. */
bool tt_http_start(tt_http *http, const tt_http_options *options, tt_error *err);

/* "http://127.0.0.1:8080", as it came out. */
const char *tt_http_address(const tt_http *http);

/* Hangs up on connections that have been silent for too long, and gives signs of life to streams. Any thread. */
void tt_http_look(tt_http *http);

/* Takes no more connections; says whether answers are still being sent; ends all connections. */
void tt_http_close(tt_http *http);
bool tt_http_is_busy(tt_http *http);
void tt_http_hang_up(tt_http *http);

/* Harmless on NULL. */
void tt_http_stop(tt_http *http);
