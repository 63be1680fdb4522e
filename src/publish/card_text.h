/* card_text.h: what the page of one model's vectors and that of a collection have in common. Private to publish/. */
#pragma once

#include "base/text.h"
#include "publish/card_folder.h"
#include "publish/card_options.h"

/* The model that the folder's vectors are for; words where they do not name it. */
const char *tt_card_model_name(const tt_card_folder *folder);

/* Appends text for a cell or a line of Markdown: what would begin something else there is escaped. */
void tt_card_add_plain(tt_text *page, const char *text);

/* Appends what Hugging Face reads. */
void tt_card_add_front_matter(tt_text *page, const tt_card_options *options);

/* Writes the page, whole or not at all, and frees it. Fails also where an append had failed. */
bool tt_card_write_page(const char *path, tt_text *page, tt_error *err);
