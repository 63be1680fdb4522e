/* named_template.h: libllama's own layouts of a conversation, which it knows by name ("chatml", "llama3", ...).
 *
 * They are for models without a template of their own, and need no helper process. Until trimtab ran the models' own
 * templates it took the layout that libllama recognises one by: sets of vectors made then are still compared with that. */
#pragma once

#include "base/error.h"
#include "model/message.h"

#include <stddef.h>

typedef struct tt_named_template tt_named_template;

/* The layout called `name`. NULL with a sentence that lists the names where there is none such. */
tt_named_template *tt_named_template_open(const char *name, tt_error *err);

/* The layout that libllama recognises the Jinja text by, with its default system message put right. `*layout` is NULL where
 * it knows none. False when out of memory. */
bool tt_named_template_recognise(const char *template_text, tt_named_template **layout, tt_error *err);
void tt_named_template_close(tt_named_template *layout); /* harmless on NULL */

/* The conversation as text, with the beginning of the assistant's turn behind it. A system message that the layout would
 * drop is laid out as a user's. The caller frees. */
char *tt_named_template_render(const tt_named_template *layout, const tt_message *messages, size_t count, tt_error *err);

/* "chatml, llama2, ...": the caller frees. */
char *tt_named_template_names(tt_error *err);
