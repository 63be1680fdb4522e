/* library.c: see library.h */
#include "cli/library.h"

static tt_error_kind kind_of(trimtab_status status) {
    switch (status) {
    case TRIMTAB_OK:
        return TT_ERROR_NONE;
    case TRIMTAB_USAGE:
        return TT_ERROR_USAGE;
    case TRIMTAB_INPUT:
        return TT_ERROR_INPUT;
    case TRIMTAB_IO:
        return TT_ERROR_IO;
    case TRIMTAB_MEMORY:
        return TT_ERROR_MEMORY;
    case TRIMTAB_MODEL:
        return TT_ERROR_MODEL;
    case TRIMTAB_INTERRUPTED:
        return TT_ERROR_INTERRUPTED;
    }
    return TT_ERROR_INPUT;
}

bool tt_went_well(const trimtab_error *error, tt_error *err) {
    return !error->status || tt_fail(err, kind_of(error->status), "%s", error->message);
}
