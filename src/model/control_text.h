/* control_text.h: keeps the contents of messages apart from a template's own control tokens.
 *
 * A vocabulary reads some texts, such as "<|im_end|>", as control tokens. When a template writes one, it is a control
 * token; when a user, a prompt or an axis writes one, it is text. A rendered prompt no longer shows the difference. So a
 * private-use character of Unicode is inserted into each such text in a content, and removed again during tokenisation,
 * which treats the stretch around it as text. If the content has that character itself, it is doubled. */
#pragma once

#include "model/model.h"

typedef struct tt_control_text tt_control_text;

/* For `model`'s vocabulary; the characters chosen do not occur in `template_text`, which may be NULL. */
tt_control_text *tt_control_text_open(const tt_model *model, const char *template_text, tt_error *err);
void tt_control_text_close(tt_control_text *control); /* harmless on NULL */

/* `content` with the character inserted. The caller frees it. */
char *tt_control_text_mark(const tt_control_text *control, const char *content, tt_error *err);

/* A rendered prompt without the character. The caller frees it. */
char *tt_control_text_plain(const tt_control_text *control, const char *prompt, tt_error *err);

/* A rendered prompt's tokens. On success the caller frees them with tt_tokens_free. */
bool tt_control_text_tokenize(const tt_control_text *control, const char *prompt, tt_tokens *tokens, tt_error *err);

/* The place in `content` of the first text that reads as a control token; NULL for none. */
const char *tt_control_text_find(const tt_control_text *control, const char *content, size_t *length);
