/* refusal.h: why a request is not answered, for the client: an HTTP status, the field that is wrong, one sentence. */
#pragma once

#include "base/error.h"

#include <stddef.h>

typedef struct tt_refusal {
    unsigned status;      /* 400, 404, ... */
    char field[64];       /* "temperature", "messages[2].content"; "" when no field is to blame */
    unsigned retry_after; /* seconds; 0: the header is left out */
    tt_error error;
} tt_refusal;

/* Fills `refusal` and returns false. */
bool tt_refuse(tt_refusal *refusal, unsigned status, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As tt_refuse, for an error that a room below has filled in: what a client can mend is 400, the rest 500. */
bool tt_refuse_error(tt_refusal *refusal, const char *field, const tt_error *err);

/* {"error": {...}} as OpenAI's clients understand it. NULL when out of memory; the caller frees. */
char *tt_refusal_json(const tt_refusal *refusal, size_t *length);
