/* json.c: see json.h */
#include "base/json.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/plain.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

yyjson_doc *tt_json_parse_at(const char *bytes, size_t length, size_t *line, tt_error *err) {
    size_t bad;
    const tt_plain_fault fault = tt_plain_check(bytes, length, &bad);
    const size_t mark = tt_plain_mark(bytes, length);
    *line = 0;
    if (fault == TT_PLAIN_NOT_UTF8 || fault == TT_PLAIN_UTF16) {
        *line = tt_line_of(bytes, bad);
        tt_fail(err, TT_ERROR_INPUT, "%s; save the file as UTF-8", tt_plain_fault_words(fault));
        return NULL;
    }
    yyjson_read_err why;
    /* Without the in-situ flag yyjson only reads: its parameter is not const because one function serves both. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)(bytes + mark), length - mark, YYJSON_READ_NOFLAG, NULL, &why);
    if (doc) return doc;
    if (why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        tt_fail(err, TT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    *line = tt_line_of(bytes + mark, tt_smaller(why.pos, length - mark));
    tt_fail(err, TT_ERROR_INPUT, "not valid JSON: %s", why.msg);
    return NULL;
}

yyjson_doc *tt_json_parse(const char *name, const char *bytes, size_t length, tt_error *err) {
    size_t line;
    yyjson_doc *doc = tt_json_parse_at(bytes, length, &line, err);
    if (!doc && line) tt_fail_prefix(err, "%s:%zu", name, line);
    if (!doc && !line) tt_fail_prefix(err, "%s", name);
    return doc;
}

/* The end of the token that begins at `at`: after a string's closing quote, or a number's or word's last character. The
 * text is known to be valid JSON. */
static size_t token_end(const char *bytes, size_t length, size_t at) {
    if (bytes[at] != '"') {
        while (at < length && !memchr(" \t\r\n,:]}", bytes[at], 8)) at++;
        return at;
    }
    for (at++; at < length && bytes[at] != '"'; at++) at += bytes[at] == '\\';
    return at < length ? at + 1 : length;
}

/* yyjson keeps a document's values in one array, in the order in which they begin in the text. So the n-th value is the n-th
 * bracket, brace, string, number or word that opens there. */
uint32_t *tt_json_lines(yyjson_doc *doc, const char *bytes, size_t length, tt_error *err) {
    const size_t count = yyjson_doc_get_val_count(doc);
    uint32_t *lines = tt_alloc(count, sizeof *lines, err);
    if (!lines) return NULL;
    uint32_t line = 1;
    for (size_t at = tt_plain_mark(bytes, length), value = 0; at < length && value < count;) {
        const char byte = bytes[at];
        if (memchr(" \t\r\n,:]}", byte, 8)) {
            line += byte == '\n';
            at++;
            continue;
        }
        lines[value++] = line;
        at = byte == '[' || byte == '{' ? at + 1 : token_end(bytes, length, at);
    }
    return lines;
}

size_t tt_json_line(yyjson_doc *doc, const uint32_t *lines, yyjson_val *value) {
    return lines[value - yyjson_doc_get_root(doc)];
}

const char *tt_json_kind(yyjson_val *value) {
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_STR:
        return "a text";
    case YYJSON_TYPE_NUM:
        return "a number";
    case YYJSON_TYPE_BOOL:
        return "true or false";
    case YYJSON_TYPE_ARR:
        return "an array";
    case YYJSON_TYPE_OBJ:
        return "an object";
    default:
        return "null";
    }
}

/* ==== Making documents ==== */

/* A document's allocator. It is freed with the last piece that it gave out, which is the document itself. */
typedef struct source {
    size_t given; /* pieces in use */
    bool ran_out; /* at least once: something is missing */
} source;

static void *take(void *context, size_t size) {
    source *from = context;
    void *memory = malloc(size);
    from->given += memory != NULL;
    from->ran_out = from->ran_out || !memory;
    return memory;
}

/* yyjson never resizes a document's memory, but its allocator type needs the function. */
static void *take_again(void *context, void *memory, size_t old_size, size_t size) {
    source *from = context;
    (void)old_size;
    void *resized = realloc(memory, size);
    from->ran_out = from->ran_out || !resized;
    return resized;
}

static void give_back(void *context, void *memory) {
    source *from = context;
    free(memory);
    if (--from->given == 0) free(from);
}

yyjson_mut_doc *tt_json_new(void) {
    source *from = tt_alloc(1, sizeof *from, NULL);
    if (!from) return NULL;
    const yyjson_alc memory = {take, take_again, give_back, from};
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&memory);
    if (!doc) free(from);
    return doc;
}

bool tt_json_complete(const yyjson_mut_doc *doc) {
    const source *from = doc ? doc->alc.ctx : NULL;
    return from && !from->ran_out;
}

yyjson_mut_doc *tt_json_object(yyjson_mut_val **root) {
    yyjson_mut_doc *doc = tt_json_new();
    *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, *root);
    return doc;
}

void tt_json_lacks(yyjson_mut_doc *doc) {
    if (!doc) return;
    source *from = doc->alc.ctx;
    from->ran_out = true;
}

/* The text with U+FFFD in place of invalid UTF-8. Takes ownership of `text`. */
static char *replaced(char *text, size_t *length, tt_error *err) {
    tt_text valid = {0};
    tt_text_add_utf8(&valid, text, *length);
    free(text);
    *length = valid.length;
    return tt_text_take(&valid, err);
}

char *tt_json_text(const yyjson_mut_doc *doc, yyjson_write_flag flags, size_t *length, tt_error *err) {
    yyjson_write_err why = {.code = YYJSON_WRITE_ERROR_MEMORY_ALLOCATION};
    size_t written = 0;
    /* yyjson passes invalid UTF-8 through. It occurs only in strings, so it can be replaced in the text. */
    flags |= YYJSON_WRITE_ALLOW_INVALID_UNICODE;
    char *text = tt_json_complete(doc) ? yyjson_mut_write_opts(doc, flags, NULL, &written, &why) : NULL;
    if (text && !tt_utf8_valid(text, written, NULL)) {
        text = replaced(text, &written, err);
        if (!text) return NULL;
    }
    if (length) *length = written;
    if (text) return text;
    if (why.code == YYJSON_WRITE_ERROR_MEMORY_ALLOCATION)
        tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    else
        tt_fail(err, TT_ERROR_INPUT, "there is no JSON of this: %s", why.msg);
    return NULL;
}

bool tt_json_write(const char *path, const yyjson_mut_doc *doc, tt_error *err) {
    size_t length;
    char *text = tt_json_text(doc, YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_NEWLINE_AT_END, &length, err);
    if (!text) return tt_fail_prefix(err, "cannot write '%s'", path);
    const bool ok = tt_file_write(path, text, length, err);
    free(text);
    return ok;
}
