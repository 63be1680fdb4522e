/* pieces.h: turns tokens into text one by one, in pieces of whole characters.
 *
 * A token may hold only part of a character's bytes. Those wait here until the character is complete, so that every piece
 * is valid UTF-8; bytes that never become a character come out as U+FFFD. */
#pragma once

#include "model/model.h"

#include "base/text.h"

typedef struct tt_pieces {
    char waiting[4]; /* the beginning of a character */
    size_t waiting_length;
    const tt_tokens *shown; /* control tokens whose text is included; NULL: none */
    tt_text text;           /* the result of tt_pieces_add and tt_pieces_end */
} tt_pieces;                /* starts as `{0}`; ends with tt_pieces_free */

void tt_pieces_free(tt_pieces *pieces);

/* The text that `token` completes; "" if it only begins a character, or is a control token. `*length` is the text's size
 * in bytes. Valid until the next call; NULL only when out of memory. */
const char *tt_pieces_add(tt_pieces *pieces, const tt_model *model, int32_t token, size_t *length, tt_error *err);

/* The same for bytes. */
const char *tt_pieces_add_bytes(tt_pieces *pieces, const char *bytes, size_t count, size_t *length, tt_error *err);

/* Whatever is still waiting at the end of a text, as U+FFFD; usually "". */
const char *tt_pieces_end(tt_pieces *pieces, size_t *length, tt_error *err);
