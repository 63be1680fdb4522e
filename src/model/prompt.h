/* prompt.h: system messages and requests as the tokens of a prompt. */
#pragma once

#include "model/chat.h"

typedef struct tt_asked {
    const char *system, *request;
} tt_asked;

/* The conversations of a system message and a request each, followed by the beginning of the answer: one user message
 * "SYSTEM REQUEST", or, if `separate`, a system and a user message. All are laid out at once. On success the caller frees
 * each of the `count` tokens with tt_tokens_free. */
bool tt_prompt_tokens(const tt_chat *chat, const tt_asked *asked, size_t count, bool separate, tt_tokens *tokens,
                      tt_error *err);
