/* plain.h: the one reader of text that people write: prompts, system messages, axes, stems, grammars, presets, keys,
 * standard input and the bodies of requests. docs/text.md explains it to users.
 *
 * A text becomes the same bytes whatever editor or system it comes from: UTF-8 without a byte order mark, with LF at the
 * end of each line (for CR LF and a lone CR too). Text that is not UTF-8, and a zero byte, which would hide what follows,
 * are refused with their place. UTF-16 is recognised and named. White space stays, since a prompt may mean it. */
#pragma once

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>

typedef enum tt_plain_fault { TT_PLAIN, TT_PLAIN_NOT_UTF8, TT_PLAIN_UTF16, TT_PLAIN_ZERO } tt_plain_fault;

/* The fault of such a text, and the offset of the byte that shows it. */
tt_plain_fault tt_plain_check(const char *bytes, size_t length, size_t *at);

/* Completes "it is ...": "not UTF-8 text". */
const char *tt_plain_fault_words(tt_plain_fault fault);

/* The length of the byte order mark that the text begins with: 3 or 0. */
size_t tt_plain_mark(const char *bytes, size_t length);

/* Turns `bytes` into such a text in place, with a zero byte after its new `*length`, or refuses it. `name` is its name in
 * messages: a file, an option, "standard input". */
bool tt_plain_clean(char *bytes, size_t *length, const char *name, tt_error *err);

/* Cuts off the last line end, which an editor adds and which is not part of the text. */
void tt_plain_drop_last_end(char *text);

/* The content of `path` (standard input for "-") as such a text; at most `limit` bytes. Fails with TT_ERROR_INTERRUPTED
 * soon after `*cancel` becomes true; `cancel` NULL: never. The caller frees it. */
char *tt_plain_read(const char *path, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err);
