/* axes.h: the axes that a server offers: those of its folder that fit its model, with what a page needs to show them. */
#pragma once

#include "apply/blend.h"
#include "model/chat.h"
#include "model/model.h"

#include <yyjson.h>

typedef struct tt_offered_axis {
    const tt_catalogue_axis *axis; /* the catalogue's */
    char *group, *description;     /* of the built-in axis of this name; "Other" and "" for an axis of the user's own */
    float *strengths[2];           /* [block]: the length of each side's row; blocks of them */
} tt_offered_axis;

typedef struct tt_offer {
    tt_catalogue catalogue;
    tt_vector_target target;
    uint32_t blocks;
    tt_offered_axis *axes; /* in the order of the built-in axes, then by name */
    size_t count;
    double *similarity; /* count x count: cosines between the axes' positive directions */
} tt_offer;             /* freed by tt_offer_free */

/* `folder` NULL: nothing is offered. `model` must outlive the offer. `chat` (may be NULL) is how conversations are laid out:
 * axes that were trained on another layout are noted in the catalogue. */
bool tt_offer_open(tt_offer *offer, const tt_model *model, const tt_chat *chat, const char *folder, tt_error *err);
void tt_offer_free(tt_offer *offer); /* harmless on `{0}` */

/* {"axes": [...], "similarity": [[...]], ...} into `object`. Whatever it names stays the offer's. */
void tt_offer_describe(const tt_offer *offer, yyjson_mut_doc *doc, yyjson_mut_val *object);
