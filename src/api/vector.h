/* vector.h: what stands behind a trimtab_vector: one of its own, or one of a mix'. */
#pragma once

#include "apply/fit.h"
#include "trimtab.h"
#include "vectors/vector.h"

struct trimtab_vector {
    trimtab_vector_facts facts;
    const tt_vector *vector; /* `own`, or another's */
    tt_vector own;
};

/* A view of a vector that outlives it. */
struct trimtab_vector tt_api_view(const tt_vector *vector);

trimtab_fit tt_api_fit(tt_fit fit);
