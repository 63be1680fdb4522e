/* options.h: option structures of callers old and new, and what callbacks answer. */
#pragma once

#include "base/error.h"
#include "trimtab.h"

#include <stdatomic.h>

/* A field is added at a structure's end, and never where an older one had padding: what lies there is not set by a caller
 * who knows no field in it. */

/* Copies the caller's options over the defaults, as far as their size says; NULL leaves these. `known` is the structure's
 * size here. `name` is the structure's, for the error. */
bool tt_api_options(void *options, size_t known, const void *given, const char *name, tt_error *err);

/* Whom a call reports to, and the flag that stops it. */
typedef struct tt_api_listener {
    trimtab_listener progress; /* may be NULL */
    void *user_data;
    const char *stage, *unit;
    uint64_t total;
    atomic_bool *cancel;
} tt_api_listener;

/* Reports; false where the call is to stop. */
bool tt_api_tell(const tt_api_listener *listener, uint64_t done);
