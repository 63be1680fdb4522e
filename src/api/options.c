/* options.c: see options.h */
#include "api/options.h"

#include <string.h>

bool tt_api_options(void *options, size_t known, const void *given, const char *name, tt_error *err) {
    size_t size;
    if (!given) return true;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return tt_fail(err, TT_ERROR_USAGE, "%s has no size: begin with what its defaults function returns", name);
    if (size > known)
        return tt_fail(err, TT_ERROR_USAGE, "%s is of size %zu, of which this library (%s) knows %zu: its header is another",
                       name, size, TRIMTAB_VERSION, known);
    memcpy(options, given, size);
    memcpy(options, &known, sizeof known);
    return true;
}

bool tt_api_tell(const tt_api_listener *listener, uint64_t done) {
    const trimtab_progress progress = {listener->stage, listener->unit, done, listener->total};
    if (listener->progress && listener->progress(&progress, listener->user_data)) atomic_store(listener->cancel, true);
    return !atomic_load(listener->cancel);
}
