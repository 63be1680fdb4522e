/* card.h: the page with which a folder of vectors is published (a README.md as Hugging Face shows it), with its charts. */
#pragma once

#include "base/notes.h"
#include "publish/card_options.h"

/* Writes {folder}/README.md, and {folder}/charts/{axis}.svg for each axis that `trimtab eval --save` has left its figures
 * of. Refused: a folder without vectors, or with those of several models. `notes` gets what the page lacks; the caller
 * frees. */
bool tt_card_write(const char *folder, const tt_card_options *options, tt_notes *notes, tt_error *err);

/* The page of several models' folders, from the fewest parameters to the most, with a link to each; into `path`, whose
 * folder must be there and is what the links begin at. Refused: what tt_card_write refuses. */
bool tt_collection_write(const char *const *folders, size_t count, const char *path, const tt_card_options *options,
                         tt_error *err);
