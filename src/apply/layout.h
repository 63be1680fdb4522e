/* layout.h: whether conversations are laid out as they were when a vector was trained: in another layout it is a vector for
 * another situation. */
#pragma once

#include "base/notes.h"
#include "model/chat.h"
#include "vectors/vector.h"

typedef enum tt_layout_match {
    TT_LAYOUT_ALIKE,  /* or it is not known how they were */
    TT_LAYOUT_OTHER,  /* another chat template, or it was told something else */
    TT_LAYOUT_BEFORE, /* as trimtab laid them out before it ran the model's template, which is otherwise */
} tt_layout_match;

tt_layout_match tt_layout_of(const tt_vector *vector, const tt_chat_digest *digest);

/* The sentence for the user, "" for TT_LAYOUT_ALIKE; the caller frees. `what` is whose vectors they are: a file or an axis.
 */
char *tt_layout_warning(tt_layout_match match, const char *what, tt_error *err);

/* Adds that sentence to `notes`, unless it stands there already. */
bool tt_layout_warn(const tt_vector *vector, const tt_chat_digest *digest, tt_notes *notes, tt_error *err);
