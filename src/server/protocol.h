/* protocol.h: an API that clients speak: its paths, and the form of its answers.
 *
 * A protocol is one file below protocols/, which defines one tt_protocol, and a line in protocols/all.h. Its handlers read
 * the request's fields (request.h has the readers that APIs share) and end in a reply (exchange.h). */
#pragma once

#include "server/dispatch.h"
#include "server/exchange.h"

typedef struct tt_route {
    const char *method, *path;
    bool open;   /* needs no key */
    bool prefix; /* the path goes on */
    bool (*handle)(tt_exchange *exchange);
} tt_route;

typedef struct tt_protocol {
    const tt_form *form; /* of its errors; NULL: OpenAI's */
    const tt_route *routes;
    size_t route_count;
} tt_protocol;
