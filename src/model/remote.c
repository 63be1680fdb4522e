/* remote.c: see remote.h */
#include "model/remote.h"
#include "base/memory.h"

#include <errno.h>
#include <ggml-backend.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE = 10000 }; /* milliseconds for a server to answer */

typedef ggml_backend_reg_t (*add_server_function)(const char *endpoint);

/* Whether a server listens there. */
static bool can_connect(const struct addrinfo *address) {
    const int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
    if (fd < 0) return false;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int failure = 1;
    socklen_t size = sizeof failure;
    const bool begun = connect(fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS;
    const bool ok =
        begun && poll(&wait, 1, PATIENCE) == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) && !failure;
    close(fd);
    return ok;
}

/* ggml ends the whole process if a server cannot be reached, so that is checked first. `server` is HOST:PORT, and is
 * unchanged on return. */
static bool check_server(char *server, tt_error *err) {
    char *colon = strrchr(server, ':');
    if (!colon || colon == server || !colon[1])
        return tt_fail(err, TT_ERROR_USAGE, "--rpc '%s' should be HOST:PORT, such as 192.168.1.7:50052", server);
    *colon = '\0';
    struct addrinfo *addresses = NULL;
    const int unknown =
        getaddrinfo(server, colon + 1, &(struct addrinfo){.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, &addresses);
    *colon = ':';
    bool ok = false;
    for (const struct addrinfo *address = unknown ? NULL : addresses; address && !ok; address = address->ai_next)
        ok = can_connect(address);
    if (!unknown) freeaddrinfo(addresses);
    if (ok) return true;
    return tt_fail(err, TT_ERROR_MODEL,
                   "no ggml-rpc-server answers at '%s'%s%s%s; start one there, or leave it out of --rpc", server,
                   unknown ? " (" : "", unknown ? gai_strerror(unknown) : "", unknown ? ")" : "");
}

static bool add_server(add_server_function add, char *server, tt_error *err) {
    if (!check_server(server, err)) return false;
    ggml_backend_reg_t reg = add(server);
    if (!reg) return tt_fail(err, TT_ERROR_MODEL, "the server at '%s' does not answer as a ggml-rpc-server does", server);
    ggml_backend_register(reg);
    return true;
}

bool tt_remote_add(const char *servers, tt_error *err) {
    ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
    add_server_function add =
        rpc ? (add_server_function)ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server") : NULL;
    if (!add)
        return tt_fail(err, TT_ERROR_MODEL,
                       "--rpc needs ggml's RPC backend, which is not installed (Debian: libggml0-backend-rpc)");
    char *copy = tt_strdup(servers, err);
    if (!copy) return false;
    bool ok = true;
    char *state = NULL;
    for (char *server = strtok_r(copy, ",", &state); server && ok; server = strtok_r(NULL, ",", &state))
        ok = add_server(add, server, err);
    free(copy);
    return ok;
}
