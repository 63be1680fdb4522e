/* blend.h: what a mix comes to: the one vector that is applied, what it was added up from, and how strong it may be. */
#pragma once

#include "apply/mix.h"

#include <sys/types.h>

/* One file's part in a mix. */
typedef struct tt_mix_part {
    tt_vector vector;
    double scale;
    const tt_catalogue_axis *axis; /* the axis it was added for (the catalogue's); NULL for a file named by the user */
    dev_t device;                  /* which file it is; inode 0 for rows that come from none */
    ino_t inode;
} tt_mix_part;

typedef struct tt_blend {
    tt_vector vector; /* the sum: role TT_ROLE_MIX, the mix in its usual form in `recipe`. Without a term and a target it has
                         no rows and width 0 */
    tt_mix_part *parts; /* by path, then by scale */
    size_t part_count;
    size_t axis_count; /* axes (and sides named as files) whose value is not 0 */
    double largest;    /* the largest of their values' sizes; 0 without any */
    double safe_scale; /* what `largest` may be, at these proportions (compare.h); INFINITY without any */
    tt_notes warnings;
} tt_blend;

typedef struct tt_mix_options {
    const tt_catalogue *catalogue; /* where axes are found; NULL: the mix may hold files alone */
    const tt_vector_target
        *target; /* the model it is for; NULL: not known, then its vectors must at least fit one another */
    bool force;  /* what is refused for being unwise becomes a warning, where the numbers still fit */
} tt_mix_options;

/* Reads the vectors and adds them up, in double precision and in an order that depends on the files alone. Refused, unless
 * forced: a side without its de-bias vector, both sides of one axis, a vector that is there twice, one of another model, one
 * of absurd size. Refused always: another width, a layer that the model does not have, a sum that is not finite. */
bool tt_mix_blend(tt_blend *blend, const tt_mix *mix, const tt_mix_options *options, tt_error *err);
void tt_blend_free(tt_blend *blend); /* harmless on `{0}` */
