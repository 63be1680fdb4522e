/* prompt.c: see prompt.h */
#include "model/prompt.h"
#include "base/memory.h"

#include <stdlib.h>

/* One conversation: its messages, and the text that joins them, or NULL. */
typedef struct conversation {
    tt_message messages[2];
    char *joined;
} conversation;

static bool converse(conversation *c, const tt_asked *asked, bool separate, tt_dialogue *dialogue, tt_error *err) {
    if (separate) {
        c->messages[0] = (tt_message){"system", asked->system};
        c->messages[1] = (tt_message){"user", asked->request};
        *dialogue = (tt_dialogue){c->messages, 2};
        return true;
    }
    c->joined = tt_format(err, "%s %s", asked->system, asked->request);
    c->messages[0] = (tt_message){"user", c->joined};
    *dialogue = (tt_dialogue){c->messages, 1};
    return c->joined != NULL;
}

static bool tokenize_all(const tt_chat *chat, char **prompts, size_t count, tt_tokens *tokens, tt_error *err) {
    size_t done = 0;
    bool ok = true;
    for (; ok && done < count; done += ok) ok = tt_chat_tokenize(chat, prompts[done], &tokens[done], err);
    for (size_t i = 0; !ok && i < done; i++) tt_tokens_free(&tokens[i]);
    for (size_t i = 0; i < count; i++) free(prompts[i]);
    return ok;
}

bool tt_prompt_tokens(const tt_chat *chat, const tt_asked *asked, size_t count, bool separate, tt_tokens *tokens,
                      tt_error *err) {
    conversation *conversations = tt_alloc(count, sizeof *conversations, err);
    tt_dialogue *dialogues = conversations ? tt_alloc(count, sizeof *dialogues, err) : NULL;
    char **prompts = dialogues ? tt_alloc(count, sizeof *prompts, err) : NULL;
    bool ok = prompts != NULL;
    for (size_t i = 0; ok && i < count; i++) ok = converse(&conversations[i], &asked[i], separate, &dialogues[i], err);
    ok = ok && tt_chat_render_all(chat, dialogues, count, prompts, err) && tokenize_all(chat, prompts, count, tokens, err);
    for (size_t i = 0; conversations && i < count; i++) free(conversations[i].joined);
    free(conversations);
    free(dialogues);
    free(prompts);
    return ok;
}
