/* card_folder.h: what a card tells of: one model's vectors in a folder, and what was measured of them. Private to publish/.
 */
#pragma once

#include "apply/catalogue.h"
#include "base/notes.h"
#include "evaluate/evaluation.h"
#include "vectors/vector.h"

typedef struct tt_card_axis {
    const tt_catalogue_axis *files;    /* the catalogue's */
    tt_vector side;                    /* the positive one's keys */
    tt_evaluation evaluation;          /* what `trimtab eval --save` left; empty where it did not */
    const tt_axis_evaluation *figures; /* the axis in it; NULL where there is none */
} tt_card_axis;

typedef struct tt_card_folder {
    tt_catalogue catalogue;
    tt_card_axis *axes; /* those that are complete */
    size_t count;
} tt_card_folder; /* freed by tt_card_folder_close */

/* Refuses a folder without a complete axis, or with vectors of more than one model. `notes` gets what is left out. */
bool tt_card_folder_open(tt_card_folder *folder, const char *path, tt_notes *notes, tt_error *err);
void tt_card_folder_close(tt_card_folder *folder); /* harmless on `{0}` */
