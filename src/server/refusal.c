/* refusal.c: see refusal.h */
#include "server/refusal.h"

#include <stdarg.h>
#include <stdio.h>

bool tt_refuse(tt_refusal *refusal, unsigned status, const char *field, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(refusal->error.message, sizeof refusal->error.message, format, args);
    va_end(args);
    refusal->error.kind = status < 500 ? TT_ERROR_INPUT : TT_ERROR_MODEL;
    refusal->status = status;
    snprintf(refusal->field, sizeof refusal->field, "%s", field);
    return false;
}

bool tt_refuse_error(tt_refusal *refusal, const char *field, const tt_error *err) {
    const bool clients = err->kind == TT_ERROR_INPUT || err->kind == TT_ERROR_USAGE;
    return tt_refuse(refusal, clients ? 400 : 500, field, "%s", err->message);
}
