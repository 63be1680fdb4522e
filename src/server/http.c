/* http.c: connections: limits, who may come in, and bodies on their way in. What is answered is routes.c's business, and how
 * an answer goes out reply.c's.
 *
 * libmicrohttpd waits for all connections in one thread. A connection whose answer is being computed rests (is suspended),
 * and the computing thread wakes it when there is something to send. Nobody can keep that thread waiting: bodies are
 * limited, and a connection that does not get its request together in time is hung up on. */
#include "base/clock.h"
#include "base/memory.h"
#include "server/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    CONNECTION_MEMORY = 16 * 1024, /* of libmicrohttpd's for each: also what a request's head may have */
    CONNECTIONS_USUAL = 4096,
};

/* ==== Jobs ==== */

static void wake_connection(void *data) { MHD_resume_connection(data); }

/* libmicrohttpd wants up to `most` bytes of the stream. With none at hand the connection rests; the job wakes it. */
static ssize_t read_stream(void *data, uint64_t position, char *buffer, size_t most) {
    (void)position;
    tt_exchange *exchange = data;
    tt_job *job = exchange->job;
    pthread_mutex_lock(&job->mutex);
    ssize_t given = 0;
    if (job->output.length > 0) {
        const size_t count = job->output.length < most ? job->output.length : most;
        memcpy(buffer, job->output.data, count);
        job->output.length -= count;
        memmove(job->output.data, job->output.data + count, job->output.length + 1);
        given = (ssize_t)count;
    } else if (job->gone || job->output.failed) {
        given = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (job->complete) {
        given = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        job->waiting = true;
        MHD_suspend_connection(exchange->connection);
    }
    pthread_mutex_unlock(&job->mutex);
    return given;
}

/* The job has something to say, or the connection rests until it has. */
static enum MHD_Result continue_job(tt_exchange *exchange) {
    tt_job *job = exchange->job;
    const bool stream = job->request.stream;
    tt_text body = {0};
    pthread_mutex_lock(&job->mutex);
    const tt_refusal refusal = job->refusal;
    const bool ready = job->complete || (stream && job->output.length > 0);
    if (!ready) {
        job->waiting = true;
        MHD_suspend_connection(exchange->connection);
    } else if (!stream && !refusal.status) {
        body = job->output;
        job->output = (tt_text){0};
    }
    pthread_mutex_unlock(&job->mutex);
    if (!ready) return MHD_YES;
    if (refusal.status == 499) return MHD_NO; /* nobody is there */
    /* A failure before the first word is an answer of its own kind; later it is the stream's last event. */
    if (refusal.status && (!stream || job->first_token == 0)) return tt_reply_refusal(exchange, &refusal);
    return stream ? tt_reply_stream(exchange, read_stream) : tt_reply(exchange, 200, "application/json", &body);
}

/* Whom the scheduler is to be fair to: a key at an address. */
static void note_client(const tt_exchange *exchange, tt_job *job) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return;
    const socklen_t size =
        info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    char address[INET6_ADDRSTRLEN] = "";
    getnameinfo(info->client_addr, size, address, sizeof address, NULL, 0, NI_NUMERICHOST);
    snprintf(job->client, sizeof job->client, "%s %zu", address, exchange->key);
}

enum MHD_Result tt_begin_job(tt_exchange *exchange, tt_job *job) {
    note_client(exchange, job);
    job->descriptor = exchange->peer ? exchange->peer->descriptor : -1;
    job->wake = wake_connection;
    job->wake_data = exchange->connection;
    tt_refusal refusal = {0};
    if (!tt_scheduler_submit(exchange->server->scheduler, job, &refusal)) {
        tt_job_release(job);
        return tt_reply_refusal(exchange, &refusal);
    }
    exchange->job = job;
    return continue_job(exchange);
}

/* ==== Who may come in ==== */

/* Which of the keys `given` is, counted from 1; 0 for none. Hashes are compared, in constant time and each of them: neither
 * a key's length nor how much of it is right can be told from the time this takes. */
static size_t find_key(const tt_server *server, const char *given) {
    struct sha256_ctx context;
    unsigned char hash[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, strlen(given), (const uint8_t *)given);
    sha256_digest(&context, sizeof hash, hash);
    size_t found = 0;
    for (size_t i = 0; i < server->key_count; i++) found |= (i + 1) * (size_t)memeql_sec(hash, server->keys[i], sizeof hash);
    return found;
}

static bool may_come_in(tt_exchange *exchange) {
    if (exchange->server->key_count == 0) return true;
    const char *header = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (header && !strncasecmp(header, "Bearer ", 7)) exchange->key = find_key(exchange->server, header + 7);
    return exchange->key != 0;
}

/* The name in "HOST:PORT" is an address, or this machine's own name. A page of a stranger's whose name has been pointed at
 * this machine says that stranger's name. */
static bool is_own_name(const char *host) {
    char name[256];
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    const size_t length = end ? (size_t)(end - host) : strlen(host);
    if (length >= sizeof name) return false;
    memcpy(name, host, length);
    name[length] = '\0';
    unsigned char address[sizeof(struct in6_addr)];
    if (name[0] == '[') return inet_pton(AF_INET6, name + 1, address) == 1;
    return !strcasecmp(name, "localhost") || inet_pton(AF_INET, name, address) == 1;
}

/* What a browser sends along tells whose page asks. Without a key a page of anybody's that is open in the user's browser
 * could use a server on the user's machine; so pages of other origins are refused unless --cors names them. */
static bool is_welcome_page(const tt_exchange *exchange) {
    const tt_server *server = exchange->server;
    const char *host = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    const char *origin = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN);
    if (server->loopback && server->key_count == 0 && host && !is_own_name(host)) return false;
    if (!origin || (server->cors && (!strcmp(server->cors, "*") || !strcmp(server->cors, origin)))) return true;
    const char *scheme = strstr(origin, "://");
    return host && scheme && !strcasecmp(scheme + 3, host);
}

/* Checks what can be checked before the body is here. */
static bool check_head(tt_exchange *exchange, const char *method, const char *path, tt_refusal *refusal) {
    tt_server *server = exchange->server;
    if (!is_welcome_page(exchange))
        return tt_refuse(refusal, 403, "", "pages of other origins may not use this server; --cors names one that may");
    if (server->cors && !strcmp(method, MHD_HTTP_METHOD_OPTIONS)) return true;
    exchange->route = tt_route_find(method, path, &exchange->allowed);
    if (!exchange->route && exchange->allowed) return tt_refuse(refusal, 405, "", "%.16s is not possible here", method);
    if (!exchange->route) return tt_refuse(refusal, 404, "", "there is nothing at this path");
    if (!exchange->route->open && !may_come_in(exchange))
        return tt_refuse(refusal, 401, "", "this server wants an API key: send it as 'Authorization: Bearer KEY'");
    const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strtoull(length, NULL, 10) > server->body_limit)
        return tt_refuse(refusal, 413, "", "the body is too large: at most %zu bytes are read", server->body_limit);
    return true;
}

/* ==== Requests ==== */

static tt_peer *peer_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void set_state(tt_server *server, tt_peer *peer, bool asking, bool answering) {
    if (!peer) return;
    pthread_mutex_lock(&server->peers_mutex);
    peer->asking = asking;
    peer->answering = answering;
    peer->since = tt_seconds();
    pthread_mutex_unlock(&server->peers_mutex);
}

/* The first line of a request is here: its time begins, however long the connection was silent before. */
static void *on_first_line(void *data, const char *line, struct MHD_Connection *connection) {
    (void)line;
    tt_server *server = data;
    tt_peer *peer = peer_of(connection);
    if (!peer) return NULL;
    pthread_mutex_lock(&server->peers_mutex);
    peer->asking = true;
    peer->since = tt_seconds();
    pthread_mutex_unlock(&server->peers_mutex);
    return NULL; /* on_request begins with nothing */
}

static enum MHD_Result begin_exchange(tt_server *server, struct MHD_Connection *connection, const char *path,
                                      const char *method, void **context) {
    tt_exchange *exchange = tt_alloc(1, sizeof *exchange, NULL);
    if (!exchange) return MHD_NO;
    *context = exchange;
    exchange->server = server;
    exchange->connection = connection;
    exchange->peer = peer_of(connection);
    tt_refusal refusal = {0};
    if (check_head(exchange, method, path, &refusal)) return MHD_YES;
    return tt_reply_refusal(exchange, &refusal);
}

/* A body larger than announced (or not announced at all) is passed over up to some size, so that the client can be told. */
static enum MHD_Result take_body(tt_exchange *exchange, const char *data, size_t *size) {
    const size_t limit = exchange->server->body_limit;
    if (exchange->body.length + *size > limit) exchange->too_large = true;
    if (exchange->too_large) {
        exchange->body.length += *size;
        const bool endless = exchange->body.length > 4 * limit;
        *size = 0;
        return endless ? MHD_NO : MHD_YES;
    }
    tt_text_add_bytes(&exchange->body, data, *size);
    *size = 0;
    return tt_text_ok(&exchange->body, NULL) ? MHD_YES : MHD_NO;
}

static enum MHD_Result answer_request(tt_exchange *exchange, const char *path) {
    tt_refusal refusal = {0};
    exchange->path = path;
    set_state(exchange->server, exchange->peer, false, true);
    if (exchange->too_large) {
        tt_refuse(&refusal, 413, "", "the body is too large: at most %zu bytes are read", exchange->server->body_limit);
        return tt_reply_refusal(exchange, &refusal);
    }
    /* OPTIONS: what a browser asks before it lets another origin's page do something */
    if (!exchange->route) return tt_reply_nothing(exchange);
    return exchange->route->handle(exchange);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *body, size_t *body_size, void **context) {
    (void)version;
    tt_exchange *exchange = *context;
    if (!exchange) return begin_exchange(data, connection, path, method, context);
    if (*body_size) return take_body(exchange, body, body_size);
    return exchange->job ? continue_job(exchange) : answer_request(exchange, path);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how) {
    (void)connection, (void)how;
    tt_server *server = data;
    tt_exchange *exchange = *context;
    if (!exchange) return;
    const unsigned class = exchange->status / 100;
    if (class > 0 && class < 6) atomic_fetch_add(&server->metrics.answered[class], 1);
    set_state(server, exchange->peer, false, false);
    if (exchange->job) {
        tt_job_abandon(exchange->job);
        tt_job_release(exchange->job);
    }
    tt_text_free(&exchange->body);
    free(exchange);
    *context = NULL;
}

/* ==== Connections ==== */

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    tt_server *server = data;
    tt_peer *peer = *context;
    pthread_mutex_lock(&server->peers_mutex);
    if (what == MHD_CONNECTION_NOTIFY_STARTED && (peer = tt_alloc(1, sizeof *peer, NULL))) {
        peer->descriptor = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        peer->since = tt_seconds();
        peer->next = server->peers;
        if (peer->next) peer->next->previous = peer;
        server->peers = peer;
        *context = peer;
        atomic_fetch_add(&server->metrics.connections, 1);
    } else if (what == MHD_CONNECTION_NOTIFY_CLOSED && peer) {
        if (peer->next) peer->next->previous = peer->previous;
        if (peer->previous)
            peer->previous->next = peer->next;
        else
            server->peers = peer->next;
        free(peer);
        *context = NULL;
        atomic_fetch_sub(&server->metrics.connections, 1);
    }
    pthread_mutex_unlock(&server->peers_mutex);
}

/* Nothing else goes this way: the answer to a request that is not complete has not begun. */
static void tell_too_slow(const tt_peer *peer) {
    tt_refusal refusal = {0};
    tt_refuse(&refusal, 408, "", "the request did not come in whole in the time that this server allows (--idle)");
    size_t length;
    char *json = tt_refusal_json(&refusal, &length), answer[1024];
    if (!json) return;
    const int size = snprintf(answer, sizeof answer,
                              "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
                              "X-Content-Type-Options: nosniff\r\nContent-Length: %zu\r\n\r\n%s",
                              length, json);
    free(json);
    if (size > 0 && (size_t)size < sizeof answer) send(peer->descriptor, answer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void tt_http_close_silent(tt_server *server) {
    const double now = tt_seconds();
    pthread_mutex_lock(&server->peers_mutex);
    /* A peer leaves the list before its descriptor is closed, so these are still theirs. */
    for (const tt_peer *peer = server->peers; peer; peer = peer->next) {
        if (peer->answering || now - peer->since <= server->idle) continue;
        if (peer->asking && !server->tls) tell_too_slow(peer);
        shutdown(peer->descriptor, SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->peers_mutex);
}

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

static bool check_exposure(const tt_server *server, const tt_server_options *options, const char *host, tt_error *err) {
    if (server->loopback || server->key_count || options->no_auth) return true;
    return tt_fail(err, TT_ERROR_USAGE,
                   "anybody who can reach %s could use this server: give it a key with --api-key-file, or say --no-auth",
                   host);
}

static void write_address(tt_server *server, const char *host, tt_error *err) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    const bool colons = strchr(host, ':') != NULL;
    server->address = tt_format(err, "%s://%s%s%s:%u", server->tls ? "https" : "http", colons ? "[" : "", host,
                                colons ? "]" : "", info ? info->port : 0);
}

/* libmicrohttpd tells why in errno alone, and only where a call of the system's has failed. */
static bool no_daemon(const tt_server *server, const tt_server_options *options, const char *host, tt_error *err) {
    static const int known[] = {EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM};
    bool systems = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) systems = systems || errno == known[i];
    if (server->tls && !systems)
        return tt_fail(
            err, TT_ERROR_INPUT,
            "--tls-cert and --tls-key do not belong together, or are not in PEM: give a certificate and its own key");
    if (!errno) return tt_fail(err, TT_ERROR_IO, "libmicrohttpd cannot listen on %s port %u", host, options->port);
    return tt_fail_errno(err, "cannot listen on %s port %u%s", host, options->port,
                         errno == EADDRINUSE ? " (is the port free?)" : "");
}

bool tt_http_start(tt_server *server, const tt_server_options *options, tt_error *err) {
    const char *host = options->host ? options->host : "127.0.0.1";
    struct addrinfo *found = NULL;
    if (!resolve(host, options->port, &found, err)) return false;
    server->loopback = is_loopback(found->ai_addr);
    server->tls = options->tls_certificate != NULL;
    if (!check_exposure(server, options, host, err)) {
        freeaddrinfo(found);
        return false;
    }
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (found->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
    if (server->tls) flags |= MHD_USE_TLS;
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->tls_certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->tls_key},
        {MHD_OPTION_END, 0, NULL},
    };
    errno = 0;
    server->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, found->ai_addr,
        MHD_OPTION_CONNECTION_LIMIT, options->connections ? options->connections : (unsigned)CONNECTIONS_USUAL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_URI_LOG_CALLBACK, on_first_line, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, 512U, MHD_OPTION_ARRAY, server->tls ? tls : tls + 2, MHD_OPTION_END);
    freeaddrinfo(found);
    if (!server->daemon) return no_daemon(server, options, host, err);
    write_address(server, host, err);
    return server->address != NULL;
}
