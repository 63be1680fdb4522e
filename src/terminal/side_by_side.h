/* side_by_side.h: two texts next to each other, for comparing them by eye. */
#pragma once

#include "base/error.h"

#include <stdio.h>

enum { TT_NARROW = 60 }; /* with fewer columns, two texts side by side are hard to read */

/* Prints two texts (UTF-8) under their headings in two columns that together fill `width` terminal columns, broken
 * between words by the rules of Unicode. */
bool tt_side_by_side(FILE *stream, const char *const headings[2], const char *const texts[2], int width, bool colour,
                     bool unicode, tt_error *err);
