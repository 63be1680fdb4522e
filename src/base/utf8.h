/* utf8.h: the few questions that are asked of UTF-8 everywhere, on top of libunistring. Below error.h: nothing here fails.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True when `bytes` are valid UTF-8; else `*bad_offset` (unless NULL) is where they stop being so. */
bool tt_utf8_valid(const char *bytes, size_t length, size_t *bad_offset);

/* The length of the character at `bytes`; 1 for a byte that begins none, 0 where `length` is 0. */
size_t tt_utf8_next(const char *bytes, size_t length);

/* How much of `text` to take for at most `most` bytes without cutting a character. */
size_t tt_utf8_cut(const char *text, size_t most);

/* Makes of `text`, in place, one line of UTF-8 that can be shown: '?' stands for each control character, which would break
 * the line or is an order to a terminal, and for what is no UTF-8, as a file's name may hold it. It does not grow. */
void tt_one_line(char *text);
