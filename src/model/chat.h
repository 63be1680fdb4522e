/* chat.h: lays out a conversation for a model, with its own chat template or another. */
#pragma once

#include "chat/chat.h"
#include "model/message.h"
#include "model/model.h"
#include "model/think.h"

typedef struct tt_chat_options {
    const char *name;    /* a layout that libllama knows by name ("chatml"), or "none" for text without a template; NULL: */
    const char *file;    /* a file with a Jinja template; NULL: the model's own */
    const char *kwargs;  /* a JSON object with extra values for the template, such as {"enable_thinking": false}; or NULL */
    tt_think think;      /* whether the model should think, if the template supports it */
    bool fixed_date;     /* a template that asks for the date gets TT_CHAT_DATE, so that runs repeat */
    bool control_tokens; /* text in contents that reads like a control token is one */
} tt_chat_options;

#define TT_CHAT_DATE "2025-01-01"

typedef struct tt_chat tt_chat;

/* Prepares to lay out conversations for `model`, which must outlive it. `options` NULL: the model's own template. NULL
 * with a sentence if there is no template, or it cannot be used. */
tt_chat *tt_chat_open(const tt_model *model, const tt_chat_options *options, tt_error *err);
void tt_chat_close(tt_chat *chat); /* harmless on NULL */

/* The model for which it was opened. */
const tt_model *tt_chat_model(const tt_chat *chat);

/* True for a template that is run, the model's own or a file's; false for a layout of libllama's, or none. */
bool tt_chat_runs(const tt_chat *chat);

/* The template's name in reports and identities: its name, or "the model's own". */
const char *tt_chat_name(const tt_chat *chat);

/* The conversation as text for tt_chat_tokenize, followed by the beginning of the assistant's turn. The caller frees
 * it. */
char *tt_chat_render(const tt_chat *chat, const tt_message *messages, size_t count, tt_error *err);

/* The same for several at once, which is faster. On success the caller frees each of `prompts`. */
typedef struct tt_dialogue {
    const tt_message *messages;
    size_t count;
} tt_dialogue;
bool tt_chat_render_all(const tt_chat *chat, const tt_dialogue *dialogues, size_t count, char **prompts, tt_error *err);

/* The same with all that is needed to read the answer; for a named template, only the prompt. Free with
 * tt_rendered_free. */
bool tt_chat_render_whole(const tt_chat *chat, const tt_message *messages, size_t count, tt_rendered *rendered,
                          tt_error *err);

/* The same for a conversation as a request in OpenAI's form ("messages", "tools", "chat_template_kwargs", ...). */
bool tt_chat_render_request(const tt_chat *chat, yyjson_val *request, tt_rendered *rendered, tt_error *err);

/* The grammar (GBNF) that an answer must follow to fit a JSON schema, for tt_sampling. Fails with TT_ERROR_INPUT if a
 * grammar cannot enforce something in the schema. Only for templates that are run (tt_chat_runs). The caller frees it. */
char *tt_chat_grammar(const tt_chat *chat, yyjson_val *schema, tt_error *err);

/* A rendered prompt's tokens. Contents of messages are text; only what the template wrote can be control tokens. On
 * success the caller frees them with tt_tokens_free. */
bool tt_chat_tokenize(const tt_chat *chat, const char *prompt, tt_tokens *tokens, tt_error *err);

/* A rendered prompt as plain text. The caller frees it. */
char *tt_chat_plain(const tt_chat *chat, const char *prompt, tt_error *err);

/* How the template treats system messages and thinking; all false for a named one. */
tt_template_facts tt_chat_facts(const tt_chat *chat);

/* Identifies a layout in states and vectors: a digest of a short conversation in it, at TT_CHAT_DATE. */
typedef struct tt_chat_digest {
    char now[TT_HASH_TEXT];
    char before[TT_HASH_TEXT]; /* of the same as trimtab laid it out before it ran templates; "" if it could not */
} tt_chat_digest;
bool tt_chat_digest_of(const tt_chat *chat, tt_chat_digest *digest, tt_error *err);
