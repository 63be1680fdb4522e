/* ranks.c: the public API's processes that train together. See include/trimtab.h. */
#include "api/ranks.h"
#include "api/handle.h"
#include "base/memory.h"

#include <stdlib.h>

trimtab_ranks *trimtab_ranks_join(trimtab_error *error) {
    tt_error err = {0};
    trimtab_ranks *ranks = tt_alloc(1, sizeof *ranks, &err);
    const bool ok = ranks && tt_ranks_begin(&ranks->ranks, &err);
    tt_api_status(ok, &err, error);
    if (ok) return ranks;
    free(ranks);
    return NULL;
}

int32_t trimtab_ranks_rank(const trimtab_ranks *ranks) { return ranks->ranks.rank; }
int32_t trimtab_ranks_count(const trimtab_ranks *ranks) { return ranks->ranks.count; }
void trimtab_ranks_abort(const trimtab_ranks *ranks) { tt_ranks_abort(&ranks->ranks); }

void trimtab_ranks_leave(trimtab_ranks *ranks) {
    if (ranks) tt_ranks_end(&ranks->ranks);
    free(ranks);
}
