/* access.c: see access.h */
#include "server/access.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ==== Opening ==== */

static void hash_key(const char *key, unsigned char hash[SHA256_DIGEST_SIZE]) {
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, strlen(key), (const uint8_t *)key);
    sha256_digest(&context, SHA256_DIGEST_SIZE, hash);
}

static bool take_keys(tt_access *access, const tt_access_options *options, tt_error *err) {
    access->keys = tt_alloc(options->key_count, sizeof *access->keys, err);
    if (!access->keys) return false;
    for (size_t i = 0; i < options->key_count; i++) {
        if (!*options->keys[i]) return tt_fail(err, TT_ERROR_USAGE, "an API key is empty: give one that cannot be guessed");
        hash_key(options->keys[i], access->keys[i]);
    }
    access->key_count = options->key_count;
    return true;
}

/* Anything else could not be sent as a header, or would let nobody in. */
static bool take_cors(tt_access *access, const char *cors, tt_error *err) {
    if (!cors) return true;
    const char *scheme = strstr(cors, "://");
    bool plain = scheme && scheme > cors && scheme[3] && !strchr(scheme + 3, '/');
    for (const char *at = cors; *at && plain; at++) plain = (unsigned char)*at > ' ' && *at != 127;
    if (!plain && strcmp(cors, "*") != 0)
        return tt_fail(err, TT_ERROR_USAGE, "--cors '%s' is no origin: give one such as https://example.org, or *", cors);
    access->cors = tt_strdup(cors, err);
    return access->cors != NULL;
}

static bool take_hosts(tt_access *access, const tt_access_options *options, tt_error *err) {
    access->hosts = tt_alloc(options->host_count, sizeof *access->hosts, err);
    if (!access->hosts) return false;
    for (size_t i = 0; i < options->host_count; i++) {
        const char *host = options->hosts[i];
        if (!*host || strpbrk(host, ":/ "))
            return tt_fail(err, TT_ERROR_USAGE,
                           "--allow-host '%s' is no name of a host: give one without scheme and port, such as "
                           "host.docker.internal, or *",
                           host);
        if (!(access->hosts[i] = tt_strdup(host, err))) return false;
        access->host_count++;
    }
    return true;
}

bool tt_access_open(tt_access *access, const tt_access_options *options, tt_error *err) {
    *access = (tt_access){.no_auth = options->no_auth};
    return take_cors(access, options->cors, err) && take_keys(access, options, err) && take_hosts(access, options, err);
}

void tt_access_free(tt_access *access) {
    for (size_t i = 0; i < access->host_count; i++) free(access->hosts[i]);
    free(access->hosts);
    free(access->keys);
    free(access->cors);
    *access = (tt_access){0};
}

bool tt_access_set_address(tt_access *access, const char *host, bool loopback, tt_error *err) {
    access->loopback = loopback;
    if (loopback || access->key_count || access->no_auth) return true;
    return tt_fail(err, TT_ERROR_USAGE,
                   "anybody who can reach %s could use this server: give it a key with --api-key-file, or say --no-auth",
                   host);
}

/* ==== Keys ==== */

/* Hashes are compared, in constant time and each of them: neither a key's length nor how much of it is right can be told
 * from the time this takes. */
static size_t find_key(const tt_access *access, const char *given) {
    unsigned char hash[SHA256_DIGEST_SIZE];
    hash_key(given, hash);
    size_t found = 0;
    for (size_t i = 0; i < access->key_count; i++) found |= (i + 1) * (size_t)memeql_sec(hash, access->keys[i], sizeof hash);
    return found;
}

size_t tt_access_key(const tt_access *access, const tt_visitor *visitor) {
    size_t found = 0;
    if (access->key_count == 0) return 0;
    if (visitor->authorization && !strncasecmp(visitor->authorization, "Bearer ", 7))
        found = find_key(access, visitor->authorization + 7);
    return !found && visitor->key ? find_key(access, visitor->key) : found;
}

/* ==== Names and origins ==== */

/* The name in "HOST:PORT" without its port; false where it is too long for any. */
static bool host_name(const char *host, char name[static 256]) {
    const char *end = host[0] == '[' ? strchr(host, ']') : strchr(host, ':');
    const size_t length = end ? (size_t)(end - host) : strlen(host);
    if (length >= 256) return false;
    memcpy(name, host, length);
    name[length] = '\0';
    return true;
}

/* An address, this machine's own name, or one that was allowed. A stranger's page whose name has been pointed at this
 * machine says that stranger's name. */
static bool is_known_name(const tt_access *access, const char *name) {
    unsigned char address[sizeof(struct in6_addr)];
    if (name[0] == '[') return inet_pton(AF_INET6, name + 1, address) == 1;
    for (size_t i = 0; i < access->host_count; i++)
        if (!strcmp(access->hosts[i], "*") || !strcasecmp(access->hosts[i], name)) return true;
    return !strcasecmp(name, "localhost") || inet_pton(AF_INET, name, address) == 1;
}

static bool check_name(const tt_access *access, const char *host, tt_refusal *refusal) {
    char name[256];
    if (!access->loopback || !host) return true;
    if (!host_name(host, name)) return tt_refuse(refusal, 403, "", "the Host header is too long for the name of a host");
    if (is_known_name(access, name)) return true;
    return tt_refuse(
        refusal, 403, "",
        "this server does not know itself as '%.200s' (the Host header): start it with --allow-host '%.200s', or "
        "with a key (--api-key-file), and then any name will do",
        name, name);
}

/* The origin is the one that the server itself is reached by. */
static bool is_own_origin(const char *host, const char *origin) {
    const char *scheme = strstr(origin, "://");
    return host && scheme && !strcasecmp(scheme + 3, host);
}

static bool is_named_origin(const tt_access *access, const char *origin) {
    return access->cors && (!strcmp(access->cors, "*") || !strcmp(access->cors, origin));
}

/* What a browser sends along tells whose page asks. Without a key any page that is open in the user's browser could use a
 * server on the user's machine; so pages of other origins are refused unless --cors names them. */
bool tt_access_check(const tt_access *access, const tt_visitor *visitor, tt_refusal *refusal) {
    const char *origin = visitor->origin;
    if (access->key_count) return true;
    if (!check_name(access, visitor->host, refusal)) return false;
    if (!origin || is_named_origin(access, origin) || is_own_origin(visitor->host, origin)) return true;
    const bool named = strstr(origin, "://") != NULL;
    return tt_refuse(refusal, 403, "", "pages of '%.200s' may not use this server: start it with --cors '%.200s'", origin,
                     named ? origin : "*");
}

bool tt_access_shares(const tt_access *access) { return access->cors || access->key_count; }

const char *tt_access_allowed_origin(const tt_access *access, const char *origin) {
    if (access->cors) return access->cors;
    return access->key_count ? origin : NULL; /* the key says whether it may */
}
