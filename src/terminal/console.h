/* console.h: standard output and error: terminals, colour, error messages.
 *
 * Data goes to standard output, everything else to standard error. Colour is for terminals only, and off if NO_COLOR is
 * set. */
#pragma once

#include "base/error.h"

#include <stdio.h>

/* Call this first. It makes sure that descriptors 0 to 2 are in use (otherwise the next file opened could become standard
 * output), that writing to a closed pipe is an error and does not end the process, and that text is UTF-8 if the user's
 * locale says so. Numbers keep their decimal point in every locale. */
void tt_console_begin(void);

/* Flushes standard output; false if not all of it could be written: a full disk, a closed descriptor. If the reader has
 * gone away, that is TT_ERROR_NONE without a message: there is no one to tell, and no more output is needed. A command
 * that prints a lot calls it now and then, to stop early. */
bool tt_console_flush(tt_error *err);

/* "trimtab: MESSAGE" on standard error. */
void tt_console_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints `text`, a file's name or content, on `stream`. On a terminal, '?' replaces whatever would break the line or
 * command the terminal (tt_one_line); elsewhere the text is printed unchanged, so that a program that reads a name gets
 * that name. */
void tt_console_print(FILE *stream, const char *text);

/* The width of the terminal behind `stream`, or COLUMNS if set; `otherwise` if it is not a terminal. At least 1. */
int tt_console_width(FILE *stream, int otherwise);

/* Whether text on `stream` may be coloured, and whether characters beyond ASCII can be shown. */
bool tt_console_colour(FILE *stream);
bool tt_console_unicode(void);
