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

/* What clients of other APIs look for, and what to do instead. */
static const char *const elsewhere[][2] = {
    {"/v1/embeddings", "this server makes no embeddings"},
    {"/embedding", "this server makes no embeddings"},
    {"/v1/responses", "use /v1/chat/completions: clients have a setting for it"},
    {"/v1/images", "this server makes no images"},
    {"/v1/audio", "this server neither hears nor speaks"},
    {"/v1/messages", "this is Anthropic's API, which is not spoken here: choose an OpenAI-compatible server in the client"},
    {"/api/extra/", "this is KoboldCpp's API, which is not spoken here: choose an OpenAI-compatible server in the client"},
    {"/api/v1/", "this is KoboldCpp's API, which is not spoken here: choose an OpenAI-compatible server in the client"},
    {"/api/", "this is Ollama's API, which is not spoken here: choose an OpenAI-compatible server in the client"},
    {"/completion", "use /v1/completions"},
    {"/infill", "this server writes on from a prompt, and knows nothing of what is to follow"},
};

static const char *known_elsewhere(const char *path) {
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (!strncmp(path, elsewhere[i][0], strlen(elsewhere[i][0]))) return elsewhere[i][1];
    return NULL;
}

static bool refuse_path(const char *path, tt_refusal *refusal) {
    const char *paths[PATHS_MOST];
    size_t count = 0;
    for (size_t p = 0; p < PROTOCOLS; p++)
        for (size_t i = 0; i < tt_protocols[p]->route_count && count < PATHS_MOST; i++)
            paths[count++] = tt_protocols[p]->routes[i].path;
    const char *known = known_elsewhere(path), *near = known ? NULL : tt_nearest(path, paths, count);
    if (known) return tt_refuse(refusal, 404, "", "there is nothing at '%.100s' here; %s", path, known);
    if (near) return tt_refuse(refusal, 404, "", "there is nothing at '%.100s' here; did you mean '%s'?", path, near);
    return tt_refuse(refusal, 404, "",
                     "there is nothing at '%.100s' here; OpenAI's clients want the address of this server with /v1", path);
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
