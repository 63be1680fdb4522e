/* thinking.h: an answer taken apart into what the model thought and what it says.
 *
 * A template's marks tell them apart ("<think>", "</think>"), and the prompt itself may have opened the thinking. Works on
 * the answer's text so far, from its beginning each time, so that there is no state to keep. */
#pragma once

#include "model/chat.h"

typedef struct tt_thinking {
    bool known;  /* else all of an answer is said */
    bool opened; /* the prompt ends inside thinking */
    char *start; /* "" for none */
    char **ends;
    size_t end_count;
    tt_tokens shown; /* control tokens that the marks are made of: the answer's text must have them in it */
} tt_thinking;       /* starts as `{0}`; ends with tt_thinking_free */

/* How answers to `rendered` are taken apart. Copies what it needs. */
bool tt_thinking_of(const tt_chat *chat, const tt_rendered *rendered, tt_thinking *thinking, tt_error *err);
void tt_thinking_free(tt_thinking *thinking);

/* Which bytes of the text were thought, [thought, thought_end), and from where on it is said: as far as that is certain, so
 * that with every further piece of the text there can only be more. Spaces around both are left out. */
typedef struct tt_parts {
    size_t thought, thought_end, said, said_end;
} tt_parts;

/* `ended`: the text is complete. */
tt_parts tt_thinking_split(const tt_thinking *thinking, const char *text, size_t length, bool ended);
