/* access.h: who may use the server: keys, the names it may be asked by, and pages of other origins. Headers in, a verdict
 * out: no HTTP library. */
#pragma once

#include "base/hash.h"
#include "server/refusal.h"

typedef struct tt_access_options {
    const char *const *keys; /* any of which lets in; none: everybody may come in */
    size_t key_count;
    bool no_auth;     /* the caller knows that everybody may come in, although the address is not the machine's own */
    const char *cors; /* an origin, or "*": whose pages may use the server; NULL: nobody's but its own */
    const char *const *hosts; /* names by which the server may be asked besides its address and localhost; "*": any */
    size_t host_count;
} tt_access_options;

typedef struct tt_access {
    unsigned char (*keys)[SHA256_DIGEST_SIZE]; /* hashes */
    size_t key_count;
    bool no_auth, loopback;
    char *cors;
    char **hosts;
    size_t host_count;
} tt_access; /* starts as `{0}`; ends with tt_access_free */

/* Copies and checks the options. */
bool tt_access_open(tt_access *access, const tt_access_options *options, tt_error *err);
void tt_access_free(tt_access *access);

/* Says whether `host`, the address listened at, is this machine's alone. An address that others can reach needs a key, or
 * `no_auth`. */
bool tt_access_set_address(tt_access *access, const char *host, bool loopback, tt_error *err);

/* What a request's head says of who asks; each is NULL where its header is missing. */
typedef struct tt_visitor {
    const char *host, *origin;
    const char *authorization; /* "Bearer KEY" */
    const char *key;           /* x-api-key (Anthropic's clients) or api-key (Azure's) */
} tt_visitor;

/* Which of the keys the visitor has, counted from 1; 0: none, or none is wanted. */
size_t tt_access_key(const tt_access *access, const tt_visitor *visitor);

/* Refuses (403) names and pages that are not welcome. Where keys are wanted, the key decides instead. */
bool tt_access_check(const tt_access *access, const tt_visitor *visitor, tt_refusal *refusal);

/* True where browsers may be told anything about other origins' requests. */
bool tt_access_shares(const tt_access *access);

/* The value of Access-Control-Allow-Origin for a request from `origin` (may be NULL), or NULL for no such header. The
 * access' or the caller's own. */
const char *tt_access_allowed_origin(const tt_access *access, const char *origin);
