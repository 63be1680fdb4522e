/* interrupt.h: Ctrl-C, in two steps.
 *
 * The first SIGINT, SIGTERM or SIGHUP only sets a flag. Long work checks it between two steps, cleans up and fails with
 * TT_ERROR_INTERRUPTED. The second signal ends the program at once. A signal handler can reach only static memory, so
 * this flag is the one exception to "no global state"; the rooms below get its address and do not know where it comes
 * from. */
#pragma once

#include <stdatomic.h>

/* Handles the signals from now on. Signals that the parent process ignores (nohup) stay ignored. */
void tt_interrupt_catch(void);

/* True once a signal has come. */
const atomic_bool *tt_interrupt_flag(void);

/* Also calls `tell` with `data` for each signal, in the signal handler; NULL: nothing is called. `data` must last until this
 * is called again. */
void tt_interrupt_tell(void (*tell)(void *data), void *data);

/* For a chat, in which Ctrl-C ends an answer and not the program: resets the flag for the next first signal. */
void tt_interrupt_clear(void);

/* Ends the program by the signal that has come, so that the shell knows; returns if none has. */
void tt_interrupt_finish(void);
