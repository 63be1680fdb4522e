/* chat.h: a conversation as the model's own chat template has it. */
#pragma once

#include "model/model.h"

typedef struct tt_message {
    const char *role; /* "system", "user" or "assistant" */
    const char *content;
} tt_message;

typedef struct tt_chat tt_chat;

/* The template to use with `model`: its own for NULL, else one that libllama knows by name ("chatml", "llama3", ...), or
 * "none" for text without any template (a base model). One that libllama does not know is an error which lists the known
 * names. */
tt_chat *tt_chat_open(const tt_model *model, const char *template_name, tt_error *err);
void tt_chat_close(tt_chat *chat);

/* What the template is called in reports and identities: its name, or "the model's own". */
const char *tt_chat_name(const tt_chat *chat);

/* The conversation as text, with the beginning of the assistant's turn behind it. The caller frees. */
char *tt_chat_render(const tt_chat *chat, const tt_message *messages, size_t count, tt_error *err);
