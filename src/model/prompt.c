/* prompt.c: see prompt.h */
#include "model/prompt.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

bool tt_prompt_tokens(const tt_model *model, const tt_chat *chat, const char *system, const char *request, bool separate,
                      tt_tokens *tokens, tt_error *err) {
    char *joined = separate ? NULL : tt_format(err, "%s %s", system, request);
    if (!separate && !joined) return false;
    const tt_message two[2] = {{"system", system}, {"user", request}}, one = {"user", joined};
    char *text = separate ? tt_chat_render(chat, two, 2, err) : tt_chat_render(chat, &one, 1, err);
    const bool ok = text && tt_tokenize(model, text, strlen(text), tokens, err);
    free(text);
    free(joined);
    return ok;
}
