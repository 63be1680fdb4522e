/* conversation.h: a chat, written to a file. */
#pragma once

#include "cli/library.h"

/* Writes it to `path`: as JSON where that ends in ".json" ({"mix": ..., "messages": [{"role", "content"}, ...]}), else as
 * text to read, a heading before each message. `mix` says how the model was steered last; NULL: not at all. */
bool tt_conversation_save(const trimtab_chat *chat, const char *mix, const char *path, tt_error *err);
