/* console.h: what the program is connected to, and its last words.
 *
 * Data goes to standard output, talk to standard error. Colour is for terminals, and not where NO_COLOR is set. */
#pragma once

#include "base/error.h"

#include <stdio.h>

/* To be called first: makes sure that descriptors 0 to 2 are taken (else the next file opened would become standard output),
 * that writing to a closed pipe is an error instead of the end, and that text is UTF-8 where the user's locale says so.
 * Numbers keep their decimal point in every locale. */
void tt_console_begin(void);

/* Flushes standard output; false where not all of it could be written: a full disk, a closed descriptor. A reader that went
 * away is TT_ERROR_NONE with no message: nobody is there to be told, and nothing more need be made. A command that prints
 * much calls it now and then, to stop early. */
bool tt_console_flush(tt_error *err);

/* "trimtab: MESSAGE" on standard error. */
void tt_console_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints `text`, a file's name or what a file holds, on `stream`. On a terminal '?' stands for what would break the line or
 * is an order to it (tt_one_line); elsewhere it is printed as it is, so that a program that reads a name gets that name. */
void tt_console_print(FILE *stream, const char *text);

/* The width of the terminal that `stream` is, COLUMNS where that is set; `otherwise` where it is no terminal. At least 1. */
int tt_console_width(FILE *stream, int otherwise);

/* Whether text on `stream` may be coloured, and whether characters beyond ASCII can be shown. */
bool tt_console_colour(FILE *stream);
bool tt_console_unicode(void);
