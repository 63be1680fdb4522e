/* chat.h: a model's own chat template, run: conversations to prompts, answers to messages, JSON schemas to grammars.
 *
 * The work is done by llama.cpp's own chat code, which llama-server has too, in a process of its own (helper_process.h),
 * since a template is a program that comes with a downloaded file. What goes in and comes out is JSON in OpenAI's form; what
 * comes back is checked here, and whatever the process does instead of answering becomes a sentence. One request at a time;
 * several threads may ask. */
#pragma once

#include "base/error.h"
#include "chat/rendered.h"

#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

typedef struct tt_template tt_template;

typedef struct tt_template_source {
    const char *name;        /* what messages call it: the file that it comes from */
    const char *text;        /* Jinja */
    const char *tool_use;    /* the one for conversations with tools, where the file has two; or NULL */
    const char *bos, *eos;   /* the model's tokens for beginning and end, as text; "" for none */
    bool adds_bos, adds_eos; /* the tokenizer adds them by itself, so the prompt must not hold them as well */
} tt_template_source;

/* Copies what it needs. Starts the process and lets it read the template: a sentence where that cannot be. */
tt_template *tt_template_open(const tt_template_source *source, tt_error *err);
void tt_template_close(tt_template *chat); /* harmless on NULL */

tt_template_facts tt_template_facts_of(const tt_template *chat);

enum { TT_TEMPLATE_TODAY = -1 };

/* Renders conversations: each of the `count` values of the JSON array `requests` is one in OpenAI's form ("messages", and
 * perhaps "tools", "tool_choice", "chat_template_kwargs", "add_generation_prompt", "reasoning_effort", "json_schema").
 * Templates that ask for the date are told that of `now`, seconds since 1970, or TT_TEMPLATE_TODAY. With `whole` false only
 * the prompts are filled in. One that cannot be rendered fails all, with the template's own sentence. On failure nothing is
 * left to be freed. */
bool tt_template_render(tt_template *chat, yyjson_mut_val *requests, int64_t now, bool whole, tt_rendered *rendered,
                        tt_error *err);

/* The answer to `rendered`, whole or (`partial`) so far, as a message in OpenAI's form: "content", "reasoning_content",
 * "tool_calls". The caller frees with yyjson_doc_free; its root is the message. */
yyjson_doc *tt_template_parse(tt_template *chat, const tt_rendered *rendered, const char *answer, bool partial, bool tools,
                              tt_error *err);

/* The grammar (GBNF) that allows just what the JSON schema does. The caller frees. */
char *tt_template_grammar(tt_template *chat, yyjson_mut_val *schema, tt_error *err);

/* Which llama.cpp's chat code this was built with ("0.5.0"); NULL for none. */
const char *tt_template_engine(void);
