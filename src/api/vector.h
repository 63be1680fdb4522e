/* vector.h: what stands behind a trimtab_vector: one of its own, or one of a mix'. */
#pragma once

#include "trimtab.h"
#include "vectors/vector.h"

struct trimtab_vector {
    trimtab_vector_facts facts;
    const tt_vector *vector; /* `own`, or another's */
    tt_vector own;
};

/* A view of a vector that outlives it. */
struct trimtab_vector tt_api_view(const tt_vector *vector);
