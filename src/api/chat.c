/* chat.c: the public API's conversations that go on. See include/trimtab.h. */
#include "api/handle.h"
#include "base/memory.h"

#include <stdlib.h>

struct trimtab_chat {
    trimtab *t;
    trimtab_message *messages; /* owned texts */
    size_t count, capacity;
};

static bool add(trimtab_chat *chat, const char *role, const char *content, tt_error *err) {
    if (!chat || !role || !content) return tt_fail(err, TT_ERROR_USAGE, "a message needs a chat, a role and a content");
    if (!tt_grow(&chat->messages, &chat->capacity, chat->count, sizeof *chat->messages, err)) return false;
    trimtab_message message = {tt_strdup(role, err), NULL};
    message.content = message.role ? tt_strdup(content, err) : NULL;
    if (message.content) {
        chat->messages[chat->count++] = message;
        return true;
    }
    tt_api_free_text(message.role);
    return false;
}

/* Opens the chat template too, so that a model without one is refused before anybody says anything. */
trimtab_chat *trimtab_chat_begin(trimtab *t, const char *system, trimtab_error *error) {
    tt_error err = {0};
    trimtab_chat *chat = NULL;
    bool ok =
        tt_api_begin(t, "trimtab_chat_begin", &err) && tt_api_need_chat(t, &err) && (chat = tt_alloc(1, sizeof *chat, &err));
    if (ok) {
        chat->t = t;
        ok = !system || add(chat, "system", system, &err);
    }
    tt_api_status(ok, &err, error);
    if (ok) return chat;
    trimtab_chat_free(chat);
    return NULL;
}

void trimtab_chat_free(trimtab_chat *chat) {
    if (!chat) return;
    trimtab_chat_cut(chat, 0);
    free(chat->messages);
    free(chat);
}

trimtab_status trimtab_chat_add(trimtab_chat *chat, const char *role, const char *content, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(add(chat, role, content, &err), &err, error);
}

/* Writes the answer to the conversation as it is, and adds it. */
static trimtab_status reply(trimtab_chat *chat, const trimtab_generate_options *options, trimtab_answer **answer,
                            trimtab_error *error) {
    trimtab_prompt *prompt = trimtab_prompt_chat(chat->t, chat->messages, chat->count, error);
    if (!prompt) return error->status;
    trimtab_status status = trimtab_write(chat->t, prompt, options, answer, error);
    trimtab_prompt_free(prompt);
    if (!status) status = trimtab_chat_add(chat, "assistant", (*answer)->text, error);
    return status;
}

trimtab_status trimtab_chat_say(trimtab_chat *chat, const char *content, const trimtab_generate_options *options,
                                trimtab_answer **answer, trimtab_error *error) {
    trimtab_error own;
    trimtab_answer *written = NULL;
    const size_t before = chat ? chat->count : 0;
    if (!error) error = &own;
    trimtab_status status = trimtab_chat_add(chat, "user", content, error);
    if (chat && !status) status = reply(chat, options, &written, error);
    if (status && chat) trimtab_chat_cut(chat, before);
    if (status || !answer) {
        trimtab_answer_free(written);
        written = NULL;
    }
    if (answer) *answer = written;
    return status;
}

trimtab_message trimtab_chat_message(const trimtab_chat *chat, size_t index) {
    return index < chat->count ? chat->messages[index] : (trimtab_message){NULL, NULL};
}

void trimtab_chat_cut(trimtab_chat *chat, size_t count) {
    while (chat->count > count) {
        const trimtab_message message = chat->messages[--chat->count];
        tt_api_free_text(message.role);
        tt_api_free_text(message.content);
    }
}
