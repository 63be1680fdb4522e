/* interrupt.h: Ctrl-C, in two steps.
 *
 * The first SIGINT, SIGTERM or SIGHUP only raises a flag. Whatever runs long looks at it between two pieces of work, puts
 * its house in order and fails with TT_ERROR_INTERRUPTED. The second one ends the program at once. A signal handler can
 * reach nothing but static memory, so this flag is the one exception to "no global state"; the rooms below are handed its
 * address and do not know where it comes from. */
#pragma once

#include <stdatomic.h>

/* Takes the signals from now on. Signals that the caller ignores (nohup) stay ignored. */
void tt_interrupt_catch(void);

/* True once a signal has come. */
const atomic_bool *tt_interrupt_flag(void);

/* Whom to tell of a signal besides, in the signal handler; `tell` NULL: nobody. `data` must last until somebody else is
 * named. */
void tt_interrupt_tell(void (*tell)(void *data), void *data);

/* For a chat, where Ctrl-C ends an answer and not the program: ready for the next first signal. */
void tt_interrupt_clear(void);

/* Ends the program by the signal that has come, so that the shell knows; returns where none has. */
void tt_interrupt_finish(void);
