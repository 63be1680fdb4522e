/* prompt.h: a system message and a request as the tokens that the model is asked with. */
#pragma once

#include "model/chat.h"

/* The conversation of a system message and a request, with the answer's beginning behind it: one user message "SYSTEM
 * REQUEST", or with `separate` a system and a user message. On success the caller frees with tt_tokens_free. */
bool tt_prompt_tokens(const tt_model *model, const tt_chat *chat, const char *system, const char *request, bool separate,
                      tt_tokens *tokens, tt_error *err);
