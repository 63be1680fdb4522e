/* layout.h: whether conversations are laid out as they were when a vector was trained: in another layout it is a vector for
 * another situation. */
#pragma once

#include "base/notes.h"
#include "model/chat.h"
#include "vectors/vector.h"

/* Adds a sentence to `notes`, unless it stands there already, if the vector was trained on conversations in another chat
 * template, or with other values told to it; or by a trimtab that did not run templates yet, where that made a difference.
 */
bool tt_layout_warn(const tt_vector *vector, const tt_chat_digest *digest, tt_notes *notes, tt_error *err);
