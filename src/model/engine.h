/* engine.h: libllama started once for the process, its messages kept quiet.
 *
 * libllama's log is one callback for the whole process. It is installed here and nowhere else: messages go to standard error
 * when asked for, and the last errors among them are kept, because they are the only place where libllama says why it
 * failed. They are kept by thread: libllama logs why a call failed on the thread that made the call, so two threads that
 * fail at the same time, with two models, each get their own reason. */
#pragma once

#include "base/error.h"

typedef struct tt_engine tt_engine;

typedef struct tt_engine_options {
    bool verbose;            /* libllama's and ggml's own messages on standard error */
    const char *rpc_servers; /* "HOST:PORT,...": machines that run ggml-rpc-server, used as devices; NULL for none */
} tt_engine_options;

/* Has ggml compute a token's experts alike, however many tokens come to the same expert: see docs/capture.md. For a process
 * that computes many tokens at once, as fewer than eight then take longer. It sets a variable of the environment, unless the
 * user has: to be called before tt_engine_start, while there is one thread. */
void tt_engine_even_experts(void);

/* Starts libllama and loads ggml's backends. One at a time in a process. */
tt_engine *tt_engine_start(const tt_engine_options *options, tt_error *err);
void tt_engine_stop(tt_engine *engine); /* harmless on NULL */

/* libllama's version, "0.7.0". */
const char *tt_engine_version(void);

/* The option as it was given, or "". Owned by the engine. */
const char *tt_engine_rpc_servers(const tt_engine *engine);

/* Before a call to libllama: forgets the errors that it logged on this thread. */
void tt_engine_forget(tt_engine *engine);

/* After one that failed: ": " and the last error that it logged on this thread, without its newline, or "". */
enum { TT_ENGINE_REASON = 512 };
const char *tt_engine_reason(tt_engine *engine, char reason[static TT_ENGINE_REASON]);
