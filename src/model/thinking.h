/* thinking.h: splits an answer into the model's thinking and what it says.
 *
 * The template's marks separate them ("<think>", "</think>"), and the prompt itself may have opened the thinking. It
 * works on the answer's text so far, from the beginning each time, so it keeps no state. */
#pragma once

#include "model/chat.h"

typedef struct tt_thinking {
    bool known;  /* otherwise the whole answer is said */
    bool opened; /* the prompt ends inside thinking */
    char *start; /* "" for none */
    char **ends;
    size_t end_count;
    tt_tokens shown; /* control tokens that make up the marks: the answer's text must include them */
} tt_thinking;       /* starts as `{0}`; ends with tt_thinking_free */

/* How to split answers to `rendered`. Copies what it needs. */
bool tt_thinking_of(const tt_chat *chat, const tt_rendered *rendered, tt_thinking *thinking, tt_error *err);
void tt_thinking_free(tt_thinking *thinking);

/* Which bytes of the text are thinking, [thought, thought_end), and which are said, [said, said_end), as far as that is
 * certain: with more of the text both can only grow. Spaces around both are left out. */
typedef struct tt_parts {
    size_t thought, thought_end, said, said_end;
} tt_parts;

/* `ended`: the text is complete. */
tt_parts tt_thinking_split(const tt_thinking *thinking, const char *text, size_t length, bool ended);
