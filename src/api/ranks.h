/* ranks.h: what stands behind a trimtab_ranks. */
#pragma once

#include "train/ranks.h"
#include "trimtab.h"

struct trimtab_ranks {
    tt_ranks ranks;
};
