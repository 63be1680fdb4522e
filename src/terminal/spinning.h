/* spinning.h: shares the processor's cores with whatever else runs.
 *
 * ggml's threads meet at an OpenMP barrier after every operation, hundreds of times for a token. GNU OpenMP lets a thread
 * that waits there spin for long before it sleeps. On an idle machine that saves the time of waking it; where another
 * program wants one of the cores, the spinning thread keeps it from the very thread that it waits for. docs/threads.md has
 * figures. */
#pragma once

#include <stdint.h>

/* Starts the program over with GOMP_SPINCOUNT set, which the OpenMP library reads only as it is loaded: to a short spin
 * where that is better (the work is `mostly_prompts`, or the machine is busy), else to a long one. `argv` is main's, whole.
 * Returns where nothing is to be done: the user has set GOMP_SPINCOUNT or OMP_WAIT_POLICY, or there is one thread. */
void tt_spinning_set(int64_t threads, bool mostly_prompts, char *const *argv);
