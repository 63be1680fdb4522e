/* conversation.h: who said what so far. */
#pragma once

#include "model/chat.h"

typedef struct tt_conversation {
    tt_message *messages; /* roles are literals, contents owned */
    size_t count, capacity;
} tt_conversation; /* starts as `{0}`; ends with tt_conversation_free */

/* Adds a copy of `content`. */
bool tt_conversation_add(tt_conversation *conversation, const char *role, const char *content, tt_error *err);

/* Takes the messages behind the first `count` away. */
void tt_conversation_cut(tt_conversation *conversation, size_t count);
void tt_conversation_free(tt_conversation *conversation);

/* Writes it to `path`: as JSON where that ends in ".json" ({"mix": ..., "messages": [{"role", "content"}, ...]}), else as
 * text to read, a heading before each message. `mix` says how the model was steered last; NULL: not at all. */
bool tt_conversation_save(const tt_conversation *conversation, const char *mix, const char *path, tt_error *err);
