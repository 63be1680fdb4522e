/* error.h: how every function of trimtab reports that it failed, and why.
 *
 * A function that can fail returns false (or NULL) and fills the caller's tt_error with one sentence fit for the user:
 * what is wrong, with which file or value, and what to do about it. Only cli/ prints. A caller that does not need the
 * reason passes NULL. */
#pragma once

#include <stdbool.h>

typedef enum tt_error_kind {
    TT_ERROR_NONE,
    TT_ERROR_USAGE,       /* the caller asked for something that makes no sense: exit status 2 on the command line */
    TT_ERROR_INPUT,       /* a file or value from outside is not what it should be */
    TT_ERROR_IO,          /* the operating system refused to read or write */
    TT_ERROR_MEMORY,      /* out of memory */
    TT_ERROR_MODEL,       /* the model cannot do what was asked */
    TT_ERROR_INTERRUPTED, /* Ctrl-C, or the caller's cancel flag */
} tt_error_kind;

typedef struct tt_error {
    tt_error_kind kind;
    char message[1024]; /* one sentence on one line, UTF-8; cut short if it does not fit */
} tt_error;

/* Fills `err` (unless NULL) and returns false, so that a failing function ends in `return tt_fail(err, ...)`. */
bool tt_fail(tt_error *err, tt_error_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like tt_fail with kind TT_ERROR_IO, but appends ": " and the text of errno to the message. */
bool tt_fail_errno(tt_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fails without a sentence, because it has been printed already or has no reader. Code that prints errors skips such an
 * error. */
bool tt_fail_quietly(tt_error *err, tt_error_kind kind);

/* Puts "PREFIX: " in front of the message that `err` already holds. Returns false. */
bool tt_fail_prefix(tt_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
