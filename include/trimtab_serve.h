/* trimtab_serve.h: a server in a program: what `trimtab serve` is (docs/serving.md). See trimtab.h for what both headers
 * have in common: errors, options, memory, threads.
 *
 *     cc program.c $(pkg-config --cflags --libs trimtab-serve)
 *
 * libtrimtab-serve has all of libtrimtab in it: a program links one of the two.
 *
 *     trimtab *t = trimtab_open("model.gguf", NULL, &error);
 *     trimtab_serve_options options = trimtab_serve_defaults();
 *     options.vectors = "vectors";
 *     server = trimtab_serve_start(t, &options, &error);       listens
 *     trimtab_serve_run(server);                               answers, until trimtab_cancel(t) is called
 *     trimtab_serve_stop(server);
 *     trimtab_close(t); */
#pragma once

#include "trimtab.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct trimtab_server trimtab_server;

typedef struct trimtab_serve_options {
    size_t size;
    /* What is served. */
    const char *vectors;        /* the folder of control vectors, whose axes clients name; NULL: no steering by name */
    const char *mix;            /* for requests that name none: "language=0.5"; NULL: not steered */
    const trimtab_mix *base;    /* what every mix has in it, settled or not; NULL: nothing */
    const char *const *presets; /* mixes with names of their own: "baroque=language=0.8,storytelling=0.4" */
    size_t preset_count;
    const char *preset_file; /* the same as JSON; NULL: none */
    const char *model_name;  /* what clients call the model; NULL: the name in its file */
    /* How much. */
    uint32_t parallel; /* conversations that are computed at once, 1 to 64; the handle's context is shared out among them */
    uint32_t queue;    /* requests that may wait for one; 0: 512 */
    uint32_t connections; /* at once; 0: 4096 */
    uint64_t body_limit;  /* bytes of a request; 0: 4 MiB */
    int64_t limit;        /* most tokens that an answer may have; negative: until the context is full */
    double timeout;       /* for one answer, waiting included; 0: none */
    double idle;          /* that a connection may take to send its request; 0: 60 */
    double grace;         /* that running answers are given when the server ends */
    /* Where, and for whom. */
    const char *host;                      /* an address or a name; NULL: 127.0.0.1 */
    uint16_t port;                         /* 0: any free one */
    const char *tls_certificate, *tls_key; /* PEM texts, for https; NULL: none */
    const char *const *keys;               /* any of which lets in; without one everybody may come in */
    size_t key_count;
    int32_t no_auth;          /* not 0: everybody may come in although the address is not this machine's alone */
    const char *cors;         /* an origin, or "*": whose pages may use the server; NULL: nobody's but its own */
    const char *const *hosts; /* names by which clients without a key may ask, besides localhost and the address; "*": any */
    size_t host_count;
} trimtab_serve_options;

/* Four conversations at once, port 8080. */
TRIMTAB_API trimtab_serve_options trimtab_serve_defaults(void);

/* Listens from now on. The handle must outlive the server, and does nothing else meanwhile. The caller stops it. NULL on
 * failure. */
TRIMTAB_API trimtab_server *trimtab_serve_start(trimtab *t, const trimtab_serve_options *options, trimtab_error *error);

/* Answers requests until soon after trimtab_cancel. For the thread that opened the handle. */
TRIMTAB_API void trimtab_serve_run(trimtab_server *server);

/* Takes no more requests, finishes running ones for as long as the grace lasts, and ends. In the same thread; harmless on
 * NULL. */
TRIMTAB_API void trimtab_serve_stop(trimtab_server *server);

typedef struct trimtab_server_facts {
    const char *address;     /* "http://127.0.0.1:8080", as it came out */
    const char *notes;       /* what there is to say of the model and the vectors, a sentence a line; "" for nothing */
    uint32_t slots, context; /* conversations at once; tokens of each */
    size_t axis_count;       /* that can be steered along */
} trimtab_server_facts;

/* The server's, as long as it runs. */
TRIMTAB_API const trimtab_server_facts *trimtab_server_facts_of(const trimtab_server *server);

#ifdef __cplusplus
}
#endif
