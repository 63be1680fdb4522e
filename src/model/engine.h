/* engine.h: libllama started once for the process, its messages kept quiet.
 *
 * libllama's log is one callback for the whole process. It is installed here and nowhere else: messages go to standard error
 * when asked for, and the last error among them is kept, because it is the only place where libllama says why it failed. */
#pragma once

#include "base/error.h"

typedef struct tt_engine tt_engine;

typedef struct tt_engine_options {
    bool verbose;            /* libllama's and ggml's own messages on standard error */
    const char *rpc_servers; /* "HOST:PORT,...": machines that run ggml-rpc-server, used as devices; NULL for none */
} tt_engine_options;

/* Starts libllama and loads ggml's backends. One at a time in a process. */
tt_engine *tt_engine_start(const tt_engine_options *options, tt_error *err);
void tt_engine_stop(tt_engine *engine); /* harmless on NULL */

/* libllama's version, "0.7.0". */
const char *tt_engine_version(void);

/* The option as it was given, or "". Owned by the engine. */
const char *tt_engine_rpc_servers(const tt_engine *engine);

/* The last error message that libllama logged since the last call, without its newline, or "". Owned by the engine. */
const char *tt_engine_reason(tt_engine *engine);
