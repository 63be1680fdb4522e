/* text.h: a growable byte string, always zero-terminated, and a few common functions on text.
 *
 * An append that fails leaves the text as it was and records the failure, so that a series of appends needs one check at
 * its end: tt_text_ok(). */
#pragma once

#include "base/error.h"
#include "base/utf8.h"

#include <stddef.h>

typedef struct tt_text {
    char *data; /* owned; NULL only while empty and never appended to */
    size_t length;
    size_t capacity;
    bool failed;
} tt_text; /* starts as `{0}`; ends with tt_text_free */

void tt_text_free(tt_text *text);
void tt_text_clear(tt_text *text); /* empties it, keeps the memory */

void tt_text_add(tt_text *text, const char *string);
void tt_text_add_bytes(tt_text *text, const char *bytes, size_t length);
void tt_text_addf(tt_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `word` so that a POSIX shell reads it back as this one word, with quotes if needed. */
void tt_text_add_shell_word(tt_text *text, const char *word);

/* True if every append so far succeeded; otherwise TT_ERROR_MEMORY. */
bool tt_text_ok(const tt_text *text, tt_error *err);

/* Hands the string over to the caller (free()); the text is empty afterwards. NULL if an append had failed. */
char *tt_text_take(tt_text *text, tt_error *err);

/* Appends `bytes`, with U+FFFD, the replacement character, for each byte that is not valid UTF-8. */
void tt_text_add_utf8(tt_text *text, const char *bytes, size_t length);

/* Appends text of any origin as valid XML: '?' replaces control characters, and all non-ASCII bytes if `bytes` are not
 * UTF-8. */
void tt_text_add_xml(tt_text *text, const char *bytes, size_t length);

/* The 1-based line of byte `offset` of `bytes`. */
size_t tt_line_of(const char *bytes, size_t offset);

/* The one of `names` nearest to `word` by edit distance, in which swapped neighbours count as one edit; NULL if none is
 * near (over a third of it differs). */
const char *tt_nearest(const char *word, const char *const *names, size_t count);

/* "1.5 GiB", "12 KiB": a byte count for people, in `buffer`, which is returned. */
const char *tt_bytes_text(double bytes, char buffer[static 32]);

/* "1.5B", "135M", "20K": how many parameters a model has, in `buffer`, which is returned. */
const char *tt_parameters_text(double parameters, char buffer[static 32]);

/* "1 h 05 min", "3 min 12 s", "8 s": a duration for people, in `buffer`, which is returned. */
const char *tt_duration_text(double seconds, char buffer[static 32]);
