/* shared_engine.h: the engine for all handles of the public API, which a process can start only once at a time.
 *
 * It is the library's one piece of global state: libllama itself is a global, and who opens two models must not have to
 * know that. */
#pragma once

#include "model/engine.h"

/* The engine, started with `options` if no other handle has it; NULL on failure. Each success needs one release. */
tt_engine *tt_shared_engine_acquire(const tt_engine_options *options, tt_error *err);

/* The last release stops the engine. */
void tt_shared_engine_release(void);
