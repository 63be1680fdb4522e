/* router.c: see router.h */
#include "server/router.h"
#include "server/protocols/all.h"

#include <stdio.h>
#include <string.h>

enum { PROTOCOLS = sizeof tt_protocols / sizeof *tt_protocols, PATHS_MOST = 128, PATH_MOST = 256 };

const tt_form *tt_router_form(void) { return tt_protocols[0]->form; }

static bool leads_here(const tt_route *route, const char *path) {
    return route->prefix ? !strncmp(path, route->path, strlen(route->path)) : !strcmp(path, route->path);
}

/* True when some route is for the path; the exchange's route is set where the method fits too. */
static bool find(tt_exchange *exchange, const char *method, const char *path) {
    bool here = false;
    for (size_t p = 0; p < PROTOCOLS; p++) {
        for (size_t i = 0; i < tt_protocols[p]->route_count; i++) {
            const tt_route *route = &tt_protocols[p]->routes[i];
            if (exchange->route || !leads_here(route, path)) continue;
            here = true;
            if (tt_protocols[p]->form) exchange->form = tt_protocols[p]->form;
            if (!strcmp(route->method, method)) exchange->route = route;
            const char *own = !strcmp(route->method, "GET") ? "GET, HEAD" : "POST";
            exchange->allowed = exchange->allowed && strcmp(exchange->allowed, own) != 0 ? "GET, HEAD, POST" : own;
        }
    }
    return here;
}

/* The path with single slashes and none at its end; false where it is too long for any route. */
static bool tidy(const char *path, char tidied[static PATH_MOST]) {
    size_t length = 0;
    for (; *path; path++) {
        if (*path == '/' && length && tidied[length - 1] == '/') continue;
        if (length + 1 >= PATH_MOST) return false;
        tidied[length++] = *path;
    }
    while (length > 1 && tidied[length - 1] == '/') length--;
    tidied[length] = '\0';
    return true;
}

static bool refuse_path(const char *path, tt_refusal *refusal) {
    const char *paths[PATHS_MOST];
    size_t count = 0;
    for (size_t p = 0; p < PROTOCOLS; p++)
        for (size_t i = 0; i < tt_protocols[p]->route_count && count < PATHS_MOST; i++)
            paths[count++] = tt_protocols[p]->routes[i].path;
    const char *near = tt_nearest(path, paths, count);
    return tt_refuse(refusal, 404, "", "there is nothing at '%.100s' here; %s%s", path,
                     near ? "did you mean " : "OpenAI's clients want the address of this server with ", near ? near : "/v1");
}

bool tt_router_find(tt_exchange *exchange, const char *method, const char *path, tt_refusal *refusal) {
    char tidied[PATH_MOST], versioned[PATH_MOST + 4];
    if (!strcmp(method, "HEAD")) method = "GET"; /* libmicrohttpd leaves the body out */
    if (!tidy(path, tidied)) return tt_refuse(refusal, 404, "", "there is nothing at this path");
    snprintf(versioned, sizeof versioned, "/v1%s", tidied);
    /* The server's own "/v1/health" and the like, then OpenAI's paths without "/v1". */
    const char *bare = !strncmp(tidied, "/v1/", 4) ? tidied + 3 : tidied;
    const char *const ways[] = {tidied, versioned, bare};
    bool here = false;
    for (size_t i = 0; i < 3 && !here; i++) {
        here = find(exchange, method, ways[i]);
        if (!exchange->route) continue;
        snprintf(exchange->rest, sizeof exchange->rest, "%s", ways[i] + strlen(exchange->route->path));
    }
    if (exchange->route) return true;
    return here ? tt_refuse(refusal, 405, "", "%.16s is not possible here, but %s", method, exchange->allowed)
                : refuse_path(tidied, refusal);
}
