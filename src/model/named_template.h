/* named_template.h: libllama's own layouts of a conversation, known by name ("chatml", "llama3", ...).
 *
 * They are for models without their own template, and need no helper process. Before trimtab ran models' own templates,
 * it used the layout that libllama recognises in a template; vectors made then are still compared with that layout. */
#pragma once

#include "base/error.h"
#include "model/message.h"

#include <stddef.h>

typedef struct tt_named_template tt_named_template;

/* The layout called `name`; for an unknown name, NULL with a sentence that lists the names. */
tt_named_template *tt_named_template_open(const char *name, tt_error *err);

/* The layout that libllama recognises in the Jinja text, with its default system message corrected. `*layout` is NULL if
 * it recognises none. False when out of memory. */
bool tt_named_template_recognise(const char *template_text, tt_named_template **layout, tt_error *err);
void tt_named_template_close(tt_named_template *layout); /* harmless on NULL */

/* The conversation as text, followed by the beginning of the assistant's turn. A system message that the layout would
 * drop is laid out as a user's. The caller frees it. */
char *tt_named_template_render(const tt_named_template *layout, const tt_message *messages, size_t count, tt_error *err);

/* "chatml, llama2, ...": the caller frees. */
char *tt_named_template_names(tt_error *err);
