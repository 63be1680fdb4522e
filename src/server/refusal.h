/* refusal.h: why a request is not answered, for the client: an HTTP status, the field that is wrong, one sentence. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tt_refusal_kind {
    TT_REFUSAL_PLAIN,
    TT_REFUSAL_CONTEXT, /* the prompt is too long for the context: `prompt_tokens` and `context` say by how much */
} tt_refusal_kind;

typedef struct tt_refusal {
    unsigned status;      /* 400, 404, ... */
    char field[64];       /* "temperature", "messages[2].content"; "" when no field is to blame */
    unsigned retry_after; /* seconds; 0: the header is left out */
    tt_refusal_kind kind;
    size_t prompt_tokens;
    uint32_t context;
    tt_error error;
} tt_refusal;

/* Fills `refusal` and returns false. */
bool tt_refuse(tt_refusal *refusal, unsigned status, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As tt_refuse, for an error that a room below has filled in: what a client can mend is 400, the rest 500. */
bool tt_refuse_error(tt_refusal *refusal, const char *field, const tt_error *err);
