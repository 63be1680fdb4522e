/* engine.h: starts libllama once per process, and keeps its messages quiet.
 *
 * libllama has one log callback for the whole process, installed only here. Messages go to standard error if requested,
 * and the last errors are kept, because libllama says only there why it failed. They are kept per thread: libllama logs
 * on the thread that made the call, so two threads that fail at the same time, with two models, each get their own
 * reason. */
#pragma once

#include "base/error.h"

typedef struct tt_engine tt_engine;

typedef struct tt_engine_options {
    bool verbose;            /* libllama's and ggml's own messages on standard error */
    const char *rpc_servers; /* "HOST:PORT,...": machines that run ggml-rpc-server, used as devices; NULL for none */
} tt_engine_options;

/* Makes ggml compute a token's experts alike, however many tokens reach the same expert: see docs/capture.md. For
 * processes that compute many tokens at once, since fewer than eight then take longer. Sets an environment variable,
 * unless the user has; call it before tt_engine_start, while there is only one thread. */
void tt_engine_even_experts(void);

/* Starts libllama and loads ggml's backends. Only one engine at a time in a process. */
tt_engine *tt_engine_start(const tt_engine_options *options, tt_error *err);
void tt_engine_stop(tt_engine *engine); /* harmless on NULL */

/* libllama's version, "0.7.0". */
const char *tt_engine_version(void);

/* The option as given, or "". Owned by the engine. */
const char *tt_engine_rpc_servers(const tt_engine *engine);

/* Call it before a call to libllama: forgets the errors logged on this thread. */
void tt_engine_forget(tt_engine *engine);

/* Call it after a call that failed: ": " and the last error logged on this thread, without its newline, or "". */
enum { TT_ENGINE_REASON = 512 };
const char *tt_engine_reason(tt_engine *engine, char reason[static TT_ENGINE_REASON]);
