/* plain.c: see plain.h */
#include "base/plain.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char mark[] = "\xEF\xBB\xBF";
enum { MARK = sizeof mark - 1, LOOKED_AT = 512 };

size_t tt_plain_mark(const char *bytes, size_t length) { return length >= MARK && !memcmp(bytes, mark, MARK) ? MARK : 0; }

/* UTF-16, by its mark, or by the zero in every other byte of Latin text. */
static bool is_utf16(const char *bytes, size_t length) {
    if (length < 2) return false;
    if (!memcmp(bytes, "\xFF\xFE", 2) || !memcmp(bytes, "\xFE\xFF", 2)) return true;
    size_t zeros[2] = {0}, looked = length < LOOKED_AT ? length & ~(size_t)1 : LOOKED_AT;
    for (size_t i = 0; i < looked; i++) zeros[i & 1] += !bytes[i];
    return looked >= 4 && (zeros[0] + zeros[1]) * 5 >= looked && (!zeros[0] || !zeros[1]);
}

tt_plain_fault tt_plain_check(const char *bytes, size_t length, size_t *at) {
    *at = 0;
    if (is_utf16(bytes, length)) return TT_PLAIN_UTF16;
    if (!tt_utf8_valid(bytes, length, at)) return TT_PLAIN_NOT_UTF8;
    const char *zero = length ? memchr(bytes, '\0', length) : NULL;
    if (zero) *at = (size_t)(zero - bytes);
    return zero ? TT_PLAIN_ZERO : TT_PLAIN;
}

const char *tt_plain_fault_words(tt_plain_fault fault) {
    static const char *const words[] = {"text", "not UTF-8 text", "UTF-16 text", "not text: it has a zero byte in it"};
    return words[fault];
}

bool tt_plain_clean(char *bytes, size_t *length, const char *name, tt_error *err) {
    size_t at, size = 0;
    const tt_plain_fault fault = tt_plain_check(bytes, *length, &at);
    if (fault) {
        const char *line = at ? memrchr(bytes, '\n', at) : NULL;
        return tt_fail(err, TT_ERROR_INPUT, "'%s' is %s (line %zu, byte %zu): give it as UTF-8 text", name,
                       tt_plain_fault_words(fault), tt_line_of(bytes, at), (size_t)(bytes + at - (line ? line : bytes - 1)));
    }
    for (size_t i = tt_plain_mark(bytes, *length); i < *length; i++) {
        const bool is_end = bytes[i] == '\r';
        if (is_end && i + 1 < *length && bytes[i + 1] == '\n') continue;
        bytes[size++] = is_end ? '\n' : bytes[i];
    }
    bytes[size] = '\0';
    *length = size;
    return true;
}

void tt_plain_drop_last_end(char *text) {
    const size_t length = strlen(text);
    if (length && text[length - 1] == '\n') text[length - 1] = '\0';
}

char *tt_plain_read(const char *path, size_t limit, const atomic_bool *cancel, size_t *length, tt_error *err) {
    static const char standard[] = "standard input";
    const bool is_standard = !strcmp(path, "-");
    char *bytes = is_standard ? tt_descriptor_read(STDIN_FILENO, standard, limit, cancel, length, err)
                              : tt_file_read_until(path, limit, cancel, length, err);
    if (!bytes || tt_plain_clean(bytes, length, is_standard ? standard : path, err)) return bytes;
    free(bytes);
    return NULL;
}
