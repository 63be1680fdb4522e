/* number.h: numbers read from text, the same in every locale: "0.5" is a half also where people write "0,5".
 *
 * Both take the whole text or nothing: no leading space, no trailing rest. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A finite decimal number: "2", "-0.3", "1e-5". Not hexadecimal, not "inf" or "nan". */
bool tt_number_parse(const char *text, double *value);

/* A whole decimal number: "2", "-1"; "2.0" is none. */
bool tt_integer_parse(const char *text, int64_t *value);
