/* card_folder.h: what a card tells of: one model's vectors in a folder, and what was measured of them. Private to publish/.
 */
#pragma once

#include "apply/catalogue.h"
#include "base/json.h"
#include "evaluate/statistics.h"
#include "vectors/vector.h"

typedef struct tt_card_axis {
    const tt_catalogue_axis *files; /* the catalogue's */
    tt_vector side;                 /* the positive one's keys */
    yyjson_doc *evaluation;         /* what `trimtab eval --save` left; NULL where it did not */
    yyjson_val *figures;            /* the axis in it */
} tt_card_axis;

typedef struct tt_card_folder {
    tt_catalogue catalogue;
    tt_card_axis *axes; /* those that are complete */
    size_t count;
} tt_card_folder; /* freed by tt_card_folder_close */

/* Refuses a folder without a complete axis, or with vectors of more than one model. `notes` gets what is left out. */
bool tt_card_folder_open(tt_card_folder *folder, const char *path, tt_notes *notes, tt_error *err);
void tt_card_folder_close(tt_card_folder *folder); /* harmless on `{0}` */

/* The figures of the axis at one value, NULL where it was not tried; and at the value of `end`'s sign that is nearest to it,
 * NULL where none of that sign was. */
yyjson_val *tt_card_figures_at(const tt_card_axis *axis, double value);
yyjson_val *tt_card_figures_near(const tt_card_axis *axis, double end);

/* An estimate as the evaluation has it; NaNs where it has none. */
tt_estimate tt_card_estimate(yyjson_val *estimate);
