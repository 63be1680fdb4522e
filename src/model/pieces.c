/* pieces.c: see pieces.h */
#include "model/pieces.h"
#include "model/internal.h"

#include <string.h>
#include <unistr.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

void tt_pieces_free(tt_pieces *pieces) {
    tt_text_free(&pieces->text);
    *pieces = (tt_pieces){0};
}

/* The waiting bytes are a character, may still become one (u8_mbtoucr returns -2), or are not one; then the last byte may
 * begin another. */
static void add_byte(tt_pieces *pieces, char byte) {
    pieces->waiting[pieces->waiting_length++] = byte;
    ucs4_t character;
    const size_t length = pieces->waiting_length;
    const int found = u8_mbtoucr(&character, (const uint8_t *)pieces->waiting, length);
    if (found == -2) return;
    pieces->waiting_length = 0;
    if (found > 0)
        tt_text_add_bytes(&pieces->text, pieces->waiting, length);
    else
        tt_text_add(&pieces->text, replacement);
    if (found < 0 && length > 1) add_byte(pieces, byte);
}

static const char *hand_out(tt_pieces *pieces, size_t *length, tt_error *err) {
    *length = pieces->text.length;
    if (!tt_text_ok(&pieces->text, err)) return NULL;
    return pieces->text.data ? pieces->text.data : "";
}

const char *tt_pieces_add_bytes(tt_pieces *pieces, const char *bytes, size_t count, size_t *length, tt_error *err) {
    tt_text_clear(&pieces->text);
    for (size_t i = 0; i < count; i++) add_byte(pieces, bytes[i]);
    return hand_out(pieces, length, err);
}

const char *tt_pieces_add(tt_pieces *pieces, const tt_model *model, int32_t token, size_t *length, tt_error *err) {
    char bytes[512]; /* no vocabulary has a longer token; a longer one would be left out */
    bool shown = false;
    for (size_t i = 0; pieces->shown && i < pieces->shown->count; i++) shown = shown || pieces->shown->ids[i] == token;
    const int32_t count = llama_token_to_piece(model->vocabulary, token, bytes, sizeof bytes, 0, shown);
    return tt_pieces_add_bytes(pieces, bytes, count > 0 ? (size_t)count : 0, length, err);
}

const char *tt_pieces_end(tt_pieces *pieces, size_t *length, tt_error *err) {
    tt_text_clear(&pieces->text);
    if (pieces->waiting_length) tt_text_add(&pieces->text, replacement);
    pieces->waiting_length = 0;
    return hand_out(pieces, length, err);
}
