/* error.c: see error.h */
#include "base/error.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tt_fail(tt_error *err, tt_error_kind kind, const char *format, ...) {
    if (err) {
        va_list args;
        va_start(args, format);
        err->kind = kind;
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        tt_one_line(err->message); /* it often quotes a file or a user, and may be cut inside a character */
    }
    return false;
}

bool tt_fail_quietly(tt_error *err, tt_error_kind kind) {
    if (err) *err = (tt_error){.kind = kind};
    return false;
}

bool tt_fail_errno(tt_error *err, const char *format, ...) {
    const int cause = errno;
    if (err) {
        va_list args;
        va_start(args, format);
        err->kind = cause == ENOMEM ? TT_ERROR_MEMORY : TT_ERROR_IO;
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        const size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(cause));
        tt_one_line(err->message);
    }
    return false;
}

bool tt_fail_prefix(tt_error *err, const char *format, ...) {
    if (err) {
        char old[sizeof err->message];
        memcpy(old, err->message, sizeof old);
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        const size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", old);
        tt_one_line(err->message);
    }
    return false;
}
