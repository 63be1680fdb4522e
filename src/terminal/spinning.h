/* spinning.h: shares the processor's cores with other programs.
 *
 * ggml's threads meet at an OpenMP barrier after every operation, hundreds of times for a token. GNU OpenMP lets a thread
 * that waits there spin for a long time before it sleeps. On an idle machine that saves the time to wake it; if another
 * program wants one of the cores, the spinning thread keeps it from the very thread that it waits for. docs/threads.md
 * has measurements. */
#pragma once

#include <stdint.h>

/* Restarts the program with GOMP_SPINCOUNT set, which the OpenMP library reads only when it is loaded: to a short spin if
 * that is better (the work is `mostly_prompts`, or the machine is busy), otherwise to a long one. `argv` is main's own,
 * complete. Returns if there is nothing to do: the user has set GOMP_SPINCOUNT or OMP_WAIT_POLICY, or there is only one
 * thread. */
void tt_spinning_set(int64_t threads, bool mostly_prompts, char *const *argv);
