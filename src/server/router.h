/* router.h: which protocol answers at a path. */
#pragma once

#include "server/protocol.h"

/* Finds the route for a request: sets the exchange's route, form and rest. Else refuses (404, or 405 with the methods that
 * the path is there for). The same path may be written without its "/v1", with a slash behind it, or with several for one.
 */
bool tt_router_find(tt_exchange *exchange, const char *method, const char *path, tt_refusal *refusal);

/* How errors look where no protocol answers. */
const tt_form *tt_router_form(void);
