/* show_prompt.c: what a model is handed for a conversation, for the tests that are scripts: the text in the model's chat
 * template, then a line with its tokens.
 *
 *   show_prompt MODEL ROLE TEXT [ROLE TEXT]... */
#include "model/chat.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 8 };

static bool show(const tt_model *model, const tt_message *messages, size_t count, tt_error *err) {
    tt_chat *chat = tt_chat_open(model, NULL, err);
    char *text = chat ? tt_chat_render(chat, messages, count, err) : NULL;
    tt_tokens tokens = {0};
    const bool ok = text && tt_chat_tokenize(chat, text, &tokens, err);
    if (ok) {
        printf("%s\n[", text);
        for (size_t i = 0; i < tokens.count; i++) printf("%s%d", i ? ", " : "", tokens.ids[i]);
        printf("]\n");
    }
    tt_tokens_free(&tokens);
    free(text);
    tt_chat_close(chat);
    return ok;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc % 2 || argc > 2 + 2 * MESSAGES) {
        fprintf(stderr, "usage: show_prompt MODEL ROLE TEXT [ROLE TEXT]...\n");
        return 2;
    }
    tt_message messages[MESSAGES];
    const size_t count = (size_t)(argc - 2) / 2;
    for (size_t i = 0; i < count; i++) messages[i] = (tt_message){argv[2 + 2 * i], argv[3 + 2 * i]};
    tt_error err = {0};
    tt_engine *engine = tt_engine_start(&(tt_engine_options){0}, &err);
    tt_model *model = engine ? tt_model_open(engine, &(tt_model_options){.path = argv[1], .threads = 1}, &err) : NULL;
    const bool ok = model && show(model, messages, count, &err);
    if (!ok) fprintf(stderr, "show_prompt: %s\n", err.message);
    tt_model_close(model);
    tt_engine_stop(engine);
    return ok ? 0 : 1;
}
