/* number.h: numbers from text and to text, the same in every locale: "0.5" is a half even where people write "0,5".
 *
 * Reading takes the whole text or fails: no leading space, no trailing characters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t tt_smaller(size_t a, size_t b) { return a < b ? a : b; }

/* A finite decimal number: "2", "-0.3", "1e-5". Not hexadecimal, not "inf" or "nan". */
bool tt_number_parse(const char *text, double *value);

/* A whole decimal number: "2", "-1", but not "2.0". */
bool tt_integer_parse(const char *text, int64_t *value);

/* The shortest decimal text that reads back as the same number: "0.5", "-2", "1e-7". `value` is finite. */
enum { TT_NUMBER_TEXT = 40 };
const char *tt_number_text(double value, char text[static TT_NUMBER_TEXT]);
