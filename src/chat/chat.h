/* chat.h: runs a model's own chat template: conversations to prompts, answers to messages, JSON schemas to grammars.
 *
 * llama.cpp's own chat code, also used by llama-server, does the work in a separate process (helper_process.h), since a
 * template is a program that comes with a downloaded file. Requests and answers are JSON in OpenAI's form. Answers are
 * checked here, and if the process fails to answer, the user gets a sentence. Several threads may ask; requests run one
 * at a time. */
#pragma once

#include "base/error.h"
#include "chat/rendered.h"

#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

typedef struct tt_template tt_template;

typedef struct tt_template_source {
    const char *name;        /* its name in messages: the file that it comes from */
    const char *text;        /* Jinja */
    const char *tool_use;    /* the one for conversations with tools, if the file has two; or NULL */
    const char *bos, *eos;   /* the model's tokens for beginning and end, as text; "" for none */
    bool adds_bos, adds_eos; /* the tokenizer adds them itself, so the prompt must not contain them */
} tt_template_source;

/* Copies what it needs, starts the process, and has it read the template. Fails with a sentence if that is not
 * possible. */
tt_template *tt_template_open(const tt_template_source *source, tt_error *err);
void tt_template_close(tt_template *chat); /* harmless on NULL */

tt_template_facts tt_template_facts_of(const tt_template *chat);

enum { TT_TEMPLATE_TODAY = -1 };

/* Renders conversations: each of the `count` values of the JSON array `requests` is one in OpenAI's form ("messages", and
 * optionally "tools", "tool_choice", "chat_template_kwargs", "add_generation_prompt", "reasoning_effort", "json_schema").
 * Templates that ask for the date get that of `now`, seconds since 1970, or TT_TEMPLATE_TODAY. If `whole` is false, only
 * the prompts are filled in. If one cannot be rendered, all fail, with the template's own sentence. After a failure there
 * is nothing to free. */
bool tt_template_render(tt_template *chat, yyjson_mut_val *requests, int64_t now, bool whole, tt_rendered *rendered,
                        tt_error *err);

/* The answer to `rendered`, whole or (`partial`) so far, as a message in OpenAI's form: "content", "reasoning_content",
 * "tool_calls". The caller frees with yyjson_doc_free; its root is the message. */
yyjson_doc *tt_template_parse(tt_template *chat, const tt_rendered *rendered, const char *answer, bool partial, bool tools,
                              tt_error *err);

/* The grammar (GBNF) that allows exactly what the JSON schema allows. The caller frees it. */
char *tt_template_grammar(tt_template *chat, yyjson_val *schema, tt_error *err);

/* The version of llama.cpp whose chat code is built in ("0.5.0"); NULL for none. */
const char *tt_template_engine(void);
