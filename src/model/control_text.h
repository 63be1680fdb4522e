/* control_text.h: text that is said, kept apart from the marks that a template makes of a conversation.
 *
 * A vocabulary reads some texts, such as "<|im_end|>", as control tokens. Where a template writes one, that is meant; where
 * a user, a prompt or an axis says one, it is text. A rendered prompt no longer tells which is which: so a character of
 * Unicode's private use is put into whatever a content has of that kind, and taken out again while the prompt is tokenised,
 * the stretch that it stood in being tokenised as text. Where the content has that character itself, it is doubled. */
#pragma once

#include "model/model.h"

typedef struct tt_control_text tt_control_text;

/* For `model`'s vocabulary, and templates that hold none of the characters chosen: `template_text` may be NULL. */
tt_control_text *tt_control_text_open(const tt_model *model, const char *template_text, tt_error *err);
void tt_control_text_close(tt_control_text *control); /* harmless on NULL */

/* `content` with the character put in. The caller frees. */
char *tt_control_text_mark(const tt_control_text *control, const char *content, tt_error *err);

/* A rendered prompt without the character. The caller frees. */
char *tt_control_text_plain(const tt_control_text *control, const char *prompt, tt_error *err);

/* A rendered prompt's tokens. On success the caller frees with tt_tokens_free. */
bool tt_control_text_tokenize(const tt_control_text *control, const char *prompt, tt_tokens *tokens, tt_error *err);

/* The first control token that `content` has in it, as text in its place; NULL for none. */
const char *tt_control_text_find(const tt_control_text *control, const char *content, size_t *length);
