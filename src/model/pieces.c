/* pieces.c: see pieces.h */
#include "model/pieces.h"
#include "model/internal.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

void tt_pieces_free(tt_pieces *pieces) {
    tt_text_free(&pieces->text);
    *pieces = (tt_pieces){0};
}

/* The length that a character's first byte announces; 0 for a byte that begins none. */
static size_t announced(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return 2;
    if (first >= 0xE0 && first <= 0xEF) return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

/* True while `bytes`, fewer than announced, may still become a character. Some second bytes never do: those of overlong
 * forms, surrogates, and characters beyond U+10FFFF (Unicode standard, table 3-7). */
static bool may_become_character(const char *bytes, size_t count) {
    const unsigned char first = (unsigned char)bytes[0];
    if (count >= 2) {
        const unsigned char second = (unsigned char)bytes[1];
        const unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
        const unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
        if (second < least || second > most) return false;
    }
    return count < 3 || ((unsigned char)bytes[2] & 0xC0) == 0x80;
}

static void add_byte(tt_pieces *pieces, char byte) {
    char *waiting = pieces->waiting;
    if (pieces->waiting_length >= sizeof pieces->waiting) pieces->waiting_length = 0; /* never: four bytes are decided on */
    waiting[pieces->waiting_length++] = byte;
    const size_t length = announced((unsigned char)waiting[0]);
    if (length == 0) {
        tt_text_add(&pieces->text, replacement);
        pieces->waiting_length = 0;
    } else if (pieces->waiting_length == length && tt_utf8_valid(waiting, length, NULL)) {
        tt_text_add_bytes(&pieces->text, waiting, length);
        pieces->waiting_length = 0;
    } else if (pieces->waiting_length == length || !may_become_character(waiting, pieces->waiting_length)) {
        /* What came before is no character, but this byte may begin one. Alone it always finds a branch above. */
        tt_text_add(&pieces->text, replacement);
        pieces->waiting_length = 0;
        add_byte(pieces, byte);
    }
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
    char bytes[512]; /* no vocabulary has a longer token; one that had would be left out */
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
