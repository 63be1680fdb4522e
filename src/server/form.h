/* form.h: the shape in which an API wants its answers and errors: the outgoing half of a protocol.
 *
 * Functions that write append whole events, or one whole body, to `output`, and mark it failed when out of memory. */
#pragma once

#include "base/text.h"
#include "server/refusal.h"

struct tt_job;

typedef struct tt_form {
    const char *body_type, *stream_type; /* Content-Type */
    const char *sign_of_life;            /* what a stream says in a long silence, and clients pass over; NULL: nothing */
    const char *id_prefix;               /* of an answer's identifier */

    /* ==== Streams ==== */
    /* What is new of answer `index`: text [from, to) and token reports [first, last). */
    void (*piece)(const struct tt_job *job, size_t index, size_t from, size_t to, size_t first, size_t last,
                  tt_text *output);
    void (*finish)(const struct tt_job *job, size_t index, tt_text *output); /* the end of answer `index` */
    void (*end)(const struct tt_job *job, tt_text *output);                  /* the end of the stream */
    void (*failure)(const tt_refusal *refusal, tt_text *output);             /* a failure in the middle of the stream */

    /* ==== Bodies ==== */
    void (*body)(const struct tt_job *job, tt_text *output);
    void (*refusal)(const tt_refusal *refusal, tt_text *output);
} tt_form;
