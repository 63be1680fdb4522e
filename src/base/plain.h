/* plain.h: the one reader of what people write: prompts, system messages, axes, stems, grammars, presets, keys, and what
 * comes by standard input or as a request's body. docs/text.md tells users what it does.
 *
 * Whatever editor and system a text comes from, it is the same text afterwards: UTF-8 without a byte order mark, with LF at
 * the end of each line (CR LF and a lone CR are made one). Refused, with the place: what is not UTF-8, and a zero byte,
 * which would hide what follows. UTF-16 is called by its name. Blanks stay, since a prompt may mean them. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>

typedef enum tt_plain_fault { TT_PLAIN, TT_PLAIN_NOT_UTF8, TT_PLAIN_UTF16, TT_PLAIN_ZERO } tt_plain_fault;

/* What is wrong with such a text, and the offset of the byte that shows it. */
tt_plain_fault tt_plain_check(const char *bytes, size_t length, size_t *at);

/* What goes behind "it is": "not UTF-8 text". */
const char *tt_plain_fault_words(tt_plain_fault fault);

/* How many bytes of a byte order mark the text begins with: 3 or 0. */
size_t tt_plain_mark(const char *bytes, size_t length);

/* Makes `bytes` such a text in place, with a zero behind its new `*length`, or refuses it. `name` is what messages call it:
 * a file, an option, "standard input". */
bool tt_plain_clean(char *bytes, size_t *length, const char *name, tt_error *err);

/* Cuts the last line end off: an editor's, which is not part of what was written. */
void tt_plain_drop_last_end(char *text);

/* The content of `path` (standard input for "-") as such a text; at most `limit` bytes. Ends with TT_ERROR_INTERRUPTED soon
 * after `*cancel` has become true; NULL: nothing ends it. The caller frees. */
char *tt_plain_read(const char *path, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err);
