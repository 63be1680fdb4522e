/* http.c: see http.h */
#include "server/http.h"
#include "base/clock.h"
#include "base/memory.h"
#include "server/peers.h"
#include "server/router.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 16 * 1024, /* of libmicrohttpd's for each: also what a request's head may have */
    CONNECTIONS_USUAL = 4096,
    IDLE_USUAL = 60,
    BODY_USUAL = 4 << 20,
};

static const double breath = 5; /* seconds that a stream may be silent */

struct tt_http {
    tt_service *service;
    tt_access *access;
    struct MHD_Daemon *daemon;
    tt_peers peers;
    char *address;
    char *too_slow; /* a whole answer to a request that takes too long; NULL under TLS */
    size_t body_limit;
    double idle;
    bool tls;
};

/* ==== Requests ==== */

/* Checks what can be checked before the body is here. */
static bool check_head(tt_http *http, tt_exchange *exchange, const char *method, const char *path, tt_refusal *refusal) {
    const tt_visitor visitor = tt_exchange_visitor(exchange);
    const tt_access *access = http->access;
    if (!tt_access_check(access, &visitor, refusal)) return false;
    if (tt_access_shares(access) && !strcmp(method, MHD_HTTP_METHOD_OPTIONS)) return true;
    if (!tt_router_find(exchange, method, path, refusal)) return false;
    exchange->key = tt_access_key(access, &visitor);
    if (!exchange->route->open && access->key_count && !exchange->key)
        return tt_refuse(refusal, 401, "",
                         "this server wants an API key: send it as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'%s",
                         visitor.authorization || visitor.key ? "; the one that was sent is not known here" : "");
    const char *coding =
        MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (coding && *coding && strcasecmp(coding, "identity") != 0)
        return tt_refuse(refusal, 415, "", "the body is in the coding '%.32s': send it as it is, without Content-Encoding",
                         coding);
    const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strtoull(length, NULL, 10) > http->body_limit)
        return tt_refuse(refusal, 413, "", "the body is too large: at most %zu bytes are read (--max-body)",
                         http->body_limit);
    return true;
}

static tt_peer *peer_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* The first line of a request is here: its time begins, however long the connection was silent before. */
static void *on_first_line(void *data, const char *line, struct MHD_Connection *connection) {
    (void)data, (void)line;
    tt_peer_set(peer_of(connection), true, false);
    return NULL; /* on_request begins with nothing */
}

static bool begin_exchange(tt_http *http, struct MHD_Connection *connection, const char *path, const char *method,
                           void **context) {
    tt_exchange *exchange = tt_alloc(1, sizeof *exchange, NULL);
    if (!exchange) return false;
    *context = exchange;
    exchange->service = http->service;
    exchange->access = http->access;
    exchange->connection = connection;
    exchange->peer = peer_of(connection);
    exchange->form = tt_router_form();
    tt_refusal refusal = {0};
    return check_head(http, exchange, method, path, &refusal) || tt_reply_refusal(exchange, &refusal);
}

/* A body larger than announced (or not announced at all) is passed over up to some size, so that the client can be told. */
static bool take_body(tt_exchange *exchange, size_t limit, const char *data, size_t *size) {
    if (exchange->body.length + *size > limit) exchange->too_large = true;
    if (exchange->too_large) {
        exchange->body.length += *size;
        const bool endless = exchange->body.length > 4 * limit;
        *size = 0;
        return !endless;
    }
    tt_text_add_bytes(&exchange->body, data, *size);
    *size = 0;
    return tt_text_ok(&exchange->body, NULL);
}

static bool answer_request(tt_exchange *exchange, size_t body_limit) {
    tt_refusal refusal = {0};
    tt_peer_set(exchange->peer, false, true);
    if (exchange->too_large) {
        tt_refuse(&refusal, 413, "", "the body is too large: at most %zu bytes are read (--max-body)", body_limit);
        return tt_reply_refusal(exchange, &refusal);
    }
    return exchange->route ? exchange->route->handle(exchange) : tt_reply_preflight(exchange);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *body, size_t *body_size, void **context) {
    (void)version;
    tt_http *http = data;
    tt_exchange *exchange = *context;
    bool ok;
    if (!exchange)
        ok = begin_exchange(http, connection, path, method, context);
    else if (*body_size)
        ok = take_body(exchange, http->body_limit, body, body_size);
    else
        ok = tt_exchange_waits(exchange) ? tt_reply_continue(exchange) : answer_request(exchange, http->body_limit);
    return ok ? MHD_YES : MHD_NO;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how) {
    (void)connection, (void)how;
    tt_http *http = data;
    tt_exchange *exchange = *context;
    if (!exchange) return;
    const unsigned class = exchange->status / 100;
    if (class > 0 && class < 6) atomic_fetch_add(&http->service->metrics.answered[class], 1);
    tt_peer_set(exchange->peer, false, false);
    tt_peer_note(exchange->peer, NULL);
    if (exchange->delivery) tt_delivery_abandon(exchange->delivery);
    tt_delivery_release(exchange->delivery);
    tt_text_free(&exchange->body);
    free(exchange);
    *context = NULL;
}

/* ==== Connections ==== */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    tt_http *http = data;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context =
            tt_peer_join(&http->peers, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        if (*context) atomic_fetch_add(&http->service->metrics.connections, 1);
    } else if (what == MHD_CONNECTION_NOTIFY_CLOSED && *context) {
        tt_peer_leave(*context);
        *context = NULL;
        atomic_fetch_sub(&http->service->metrics.connections, 1);
    }
}

/* What a request that does not come in whole is answered with: libmicrohttpd would hang up without a word. */
static char *make_too_slow(tt_error *err) {
    tt_refusal refusal = {0};
    tt_refuse(&refusal, 408, "", "the request did not come in whole in the time that this server allows (--idle)");
    tt_text body = {0}, answer = {0};
    tt_router_form()->refusal(&refusal, &body);
    if (body.failed) answer.failed = true;
    tt_text_addf(&answer,
                 "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
                 "X-Content-Type-Options: nosniff\r\nContent-Length: %zu\r\n\r\n%s",
                 body.length, body.data ? body.data : "");
    tt_text_free(&body);
    return tt_text_take(&answer, err);
}

void tt_http_look(tt_http *http) { tt_peers_look(&http->peers, http->idle, breath, http->too_slow); }

/* ==== The daemon ==== */

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address, sizeof v6);
    return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static bool resolve(const char *host, uint16_t port, struct addrinfo **found, tt_error *err) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const int status = getaddrinfo(host, service, &hints, found);
    if (status == 0 && *found) return true;
    return tt_fail(err, TT_ERROR_USAGE, "--host '%s' is no address of this machine: %s", host, gai_strerror(status));
}

static char *make_address(const tt_http *http, const char *host, tt_error *err) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    const bool colons = strchr(host, ':') != NULL;
    return tt_format(err, "%s://%s%s%s:%u", http->tls ? "https" : "http", colons ? "[" : "", host, colons ? "]" : "",
                     info ? info->port : 0);
}

/* libmicrohttpd tells why in errno alone, and only where a call of the system's has failed. */
static bool no_daemon(const tt_http *http, const tt_http_options *options, const char *host, tt_error *err) {
    static const int known[] = {EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    bool systems = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) systems = systems || errno == known[i];
    if (http->tls && !systems)
        return tt_fail(
            err, TT_ERROR_INPUT,
            "--tls-cert and --tls-key do not belong together, or are not in PEM: give a certificate and its own key");
    if (!errno) return tt_fail(err, TT_ERROR_IO, "libmicrohttpd cannot listen on %s port %u", host, options->port);
    return tt_fail_errno(err, "cannot listen on %s port %u%s", host, options->port,
                         errno == EADDRINUSE ? " (is the port free?)" : "");
}

static bool start_daemon(tt_http *http, const tt_http_options *options, const char *host, const struct addrinfo *found,
                         tt_error *err) {
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (found->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
    if (http->tls) flags |= MHD_USE_TLS;
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->tls_certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->tls_key},
        {MHD_OPTION_END, 0, NULL},
    };
    errno = 0;
    http->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, found->ai_addr,
        MHD_OPTION_CONNECTION_LIMIT, options->connections ? options->connections : (unsigned)CONNECTIONS_USUAL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_first_line, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 512U, MHD_OPTION_ARRAY, http->tls ? tls : tls + 2, MHD_OPTION_END);
    return http->daemon || no_daemon(http, options, host, err);
}

bool tt_http_start(tt_http *http, const tt_http_options *options, tt_error *err) {
    const char *host = options->host ? options->host : "127.0.0.1";
    struct addrinfo *found = NULL;
    if (!resolve(host, options->port, &found, err)) return false;
    const bool ok = tt_access_set_address(http->access, host, is_loopback(found->ai_addr), err) &&
                    start_daemon(http, options, host, found, err);
    freeaddrinfo(found);
    if (ok) http->address = make_address(http, host, err);
    return ok && http->address;
}

tt_http *tt_http_prepare(tt_service *service, tt_access *access, const tt_http_options *options, tt_error *err) {
    tt_http *http = tt_alloc(1, sizeof *http, err);
    if (!http) return NULL;
    http->service = service;
    http->access = access;
    http->tls = options->tls_certificate != NULL;
    http->body_limit = options->body_limit ? options->body_limit : (size_t)BODY_USUAL;
    http->idle = options->idle > 0 ? options->idle : IDLE_USUAL;
    tt_peers_begin(&http->peers);
    http->too_slow = http->tls ? NULL : make_too_slow(err);
    if (http->tls || http->too_slow) return http;
    tt_http_stop(http);
    return NULL;
}

const char *tt_http_address(const tt_http *http) { return http->address; }

void tt_http_close(tt_http *http) {
    const MHD_socket listener = http->daemon ? MHD_quiesce_daemon(http->daemon) : MHD_INVALID_SOCKET;
    if (listener != MHD_INVALID_SOCKET) close(listener);
}

bool tt_http_is_busy(tt_http *http) { return tt_peers_busy(&http->peers); }

void tt_http_hang_up(tt_http *http) {
    if (http->daemon) MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
}

void tt_http_stop(tt_http *http) {
    if (!http) return;
    tt_http_hang_up(http);
    tt_peers_end(&http->peers);
    free(http->address);
    free(http->too_slow);
    free(http);
}
