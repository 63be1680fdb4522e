/* chat_loop.h: a chat at the terminal, steered while it goes on. */
#pragma once

#include "cli/session.h"

/* Reads what the user types and answers, until /exit or the end of the input. `system` is the system message; NULL for none.
 */
bool tt_chat_loop(tt_session *session, const char *system, tt_error *err);
