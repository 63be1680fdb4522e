/* utf8.c: see utf8.h */
#include "base/utf8.h"

#include <string.h>
#include <unistr.h>

bool tt_utf8_valid(const char *bytes, size_t length, size_t *bad_offset) {
    const uint8_t *bad = (u8_check)((const uint8_t *)bytes, length);
    if (bad && bad_offset) *bad_offset = (size_t)(bad - (const uint8_t *)bytes);
    return bad == NULL;
}

/* The length of the character that begins at `bytes`; 0 if none does. */
static size_t character_at(const char *bytes, size_t length, ucs4_t *character) {
    const int found = length ? u8_mbtoucr(character, (const uint8_t *)bytes, length) : 0;
    return found > 0 ? (size_t)found : 0;
}

size_t tt_utf8_next(const char *bytes, size_t length) {
    ucs4_t character;
    const size_t found = character_at(bytes, length, &character);
    return found || !length ? found : 1;
}

size_t tt_utf8_cut(const char *text, size_t most) {
    const size_t length = strlen(text);
    size_t end = 0;
    if (length <= most) return length;
    for (size_t next; (next = end + tt_utf8_next(text + end, length - end)) <= most;) end = next;
    return end;
}

/* C0, DEL, and C1, which also command some terminals. */
static bool is_control(ucs4_t character) { return character < 0x20 || (character >= 0x7F && character < 0xA0); }

void tt_one_line(char *text) {
    char *to = text;
    ucs4_t character;
    for (size_t left = strlen(text), length; left; text += length ? length : 1, left -= length ? length : 1) {
        length = character_at(text, left, &character);
        const bool shown = length && !is_control(character);
        memmove(to, shown ? text : "?", shown ? length : 1);
        to += shown ? length : 1;
    }
    *to = '\0';
}
