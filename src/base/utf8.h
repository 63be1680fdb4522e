/* utf8.h: a few common functions on UTF-8, on top of libunistring. Below error.h: nothing here fails. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True if `bytes` are valid UTF-8; otherwise `*bad_offset` (may be NULL) is the first invalid byte. */
bool tt_utf8_valid(const char *bytes, size_t length, size_t *bad_offset);

/* The length of the character at `bytes`; 1 for a byte that begins none, 0 if `length` is 0. */
size_t tt_utf8_next(const char *bytes, size_t length);

/* How many bytes of `text`, at most `most`, to take without cutting a character. */
size_t tt_utf8_cut(const char *text, size_t most);

/* Turns `text`, in place, into one printable line of UTF-8: '?' replaces each control character, which could break the
 * line or command a terminal, and each byte that is not UTF-8, as file names may contain. The text does not grow. */
void tt_one_line(char *text);
