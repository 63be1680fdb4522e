/* text.c: see text.h */
#include "base/text.h"
#include "base/memory.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tt_text_free(tt_text *text) {
    free(text->data);
    *text = (tt_text){0};
}

void tt_text_clear(tt_text *text) {
    text->length = 0;
    text->failed = false;
    if (text->data) text->data[0] = '\0';
}

/* Makes room for `more` bytes and the terminating zero. */
static bool reserve(tt_text *text, size_t more) {
    if (text->failed) return false;
    const size_t needed = text->length + more + 1;
    if (text->data && needed <= text->capacity) return true;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity < needed) capacity *= 2;
    if (!tt_resize(&text->data, capacity, 1, NULL)) {
        text->failed = true;
        return false;
    }
    text->capacity = capacity;
    return true;
}

void tt_text_add_bytes(tt_text *text, const char *bytes, size_t length) {
    if (!reserve(text, length)) return;
    if (length) memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void tt_text_add(tt_text *text, const char *string) { tt_text_add_bytes(text, string, strlen(string)); }

void tt_text_addf(tt_text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length >= 0 && reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void tt_text_add_shell_word(tt_text *text, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (*word && !word[strspn(word, plain)]) {
        tt_text_add(text, word);
        return;
    }
    tt_text_add(text, "'");
    for (const char *part = word; *part;) { /* inside single quotes only the closing quote is special */
        const size_t length = strcspn(part, "'");
        tt_text_add_bytes(text, part, length);
        part += length;
        if (!*part) break;
        tt_text_add(text, "'\\''");
        part++;
    }
    tt_text_add(text, "'");
}

bool tt_text_ok(const tt_text *text, tt_error *err) {
    return !text->failed || tt_fail(err, TT_ERROR_MEMORY, "out of memory");
}

char *tt_text_take(tt_text *text, tt_error *err) {
    if (!text->data && !text->failed) tt_text_add(text, "");
    if (!tt_text_ok(text, err)) {
        tt_text_free(text);
        return NULL;
    }
    char *data = text->data;
    *text = (tt_text){0};
    return data;
}

void tt_text_add_utf8(tt_text *text, const char *bytes, size_t length) {
    for (size_t bad; !tt_utf8_valid(bytes, length, &bad); bytes += bad + 1, length -= bad + 1) {
        tt_text_add_bytes(text, bytes, bad);
        tt_text_add(text, "\xEF\xBF\xBD");
    }
    tt_text_add_bytes(text, bytes, length);
}

void tt_text_add_xml(tt_text *text, const char *bytes, size_t length) {
    const bool valid = tt_utf8_valid(bytes, length, NULL);
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c == '&')
            tt_text_add(text, "&amp;");
        else if (c == '<')
            tt_text_add(text, "&lt;");
        else if (c == '>')
            tt_text_add(text, "&gt;");
        else if (c < ' ' || c == 127 || (c > 127 && !valid))
            tt_text_add(text, "?");
        else
            tt_text_add_bytes(text, bytes + i, 1);
    }
}

size_t tt_line_of(const char *bytes, size_t offset) {
    size_t line = 1;
    for (size_t i = 0; i < offset; i++) line += bytes[i] == '\n';
    return line;
}

enum { TT_WORD = 128 };

/* How many letters must be inserted, deleted, replaced or swapped with a neighbour (the commonest typing error) to turn
 * `a` into `b`: the optimal string alignment distance, in three rows. Words longer than a row count as far away. */
static size_t edit_distance(const char *a, const char *b) {
    size_t rows[3][TT_WORD] = {0};
    const size_t a_length = strlen(a), b_length = strlen(b);
    if (b_length + 1 > TT_WORD) return SIZE_MAX;
    for (size_t j = 0; j <= b_length; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = tt_smaller(above[j - 1] + (a[i - 1] != b[j - 1]), tt_smaller(above[j], row[j - 1]) + 1);
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = tt_smaller(row[j], before[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *tt_nearest(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t distance = edit_distance(word, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    const size_t longest = best ? (strlen(best) > strlen(word) ? strlen(best) : strlen(word)) : 0;
    return best && best_distance * 3 <= longest ? best : NULL;
}

const char *tt_bytes_text(double bytes, char buffer[static 32]) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        unit++;
    }
    snprintf(buffer, 32, unit && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return buffer;
}

const char *tt_parameters_text(double parameters, char buffer[static 32]) {
    if (parameters >= 1e9)
        snprintf(buffer, 32, "%.1fB", parameters / 1e9);
    else
        snprintf(buffer, 32, parameters >= 1e6 ? "%.0fM" : "%.0fK", parameters / (parameters >= 1e6 ? 1e6 : 1e3));
    return buffer;
}

const char *tt_duration_text(double seconds, char buffer[static 32]) {
    const double whole = round(seconds < 0 ? 0 : seconds);
    if (whole < 60)
        snprintf(buffer, 32, "%.0f s", whole);
    else if (whole < 3600)
        snprintf(buffer, 32, "%.0f min %02.0f s", floor(whole / 60), fmod(whole, 60));
    else if (whole < 48.0 * 3600)
        snprintf(buffer, 32, "%.0f h %02.0f min", floor(whole / 3600), floor(fmod(whole, 3600) / 60));
    else
        snprintf(buffer, 32, "%.1f days", whole / 86400);
    return buffer;
}
