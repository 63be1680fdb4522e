/* prompt_lines.c: see prompt_lines.h */
#include "prompts/prompt_lines.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/plain.h"
#include "base/text.h"
#include "prompts/partition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TABLE_LIMIT = 1 << 20,    /* entries of 8 bytes */
    LINE_LIMIT = 1 << 20,     /* bytes */
    MEMORY_LIMIT = 256 << 20, /* bytes of a source that cannot be read twice */
    READ_SIZE = 16 << 10,
};

struct tt_prompt_lines {
    char *name;
    int fd;      /* -1: the text is in `bytes` */
    char *bytes; /* owned, or NULL */
    uint64_t size;
    uint64_t *table; /* where prompts 0, stride, 2 stride, ... begin */
    size_t table_count, table_capacity;
    uint64_t stride;
    tt_prompt_lines_facts facts;
};

/* ==== Reading line by line ==== */

typedef struct line_reader {
    const tt_prompt_lines *lines;
    uint64_t offset;        /* of the next line */
    uint64_t line_offset;   /* of the current one */
    uint64_t line_number;   /* from 1, counted from where the reader began */
    uint64_t buffer_offset; /* content of the buffer */
    size_t buffer_length;
    tt_text text; /* the current line, without its end */
    char buffer[READ_SIZE];
} line_reader;

static void reader_begin(line_reader *reader, const tt_prompt_lines *lines, uint64_t offset) {
    reader->lines = lines;
    reader->offset = offset;
    reader->line_offset = offset;
    reader->line_number = 0;
    reader->buffer_offset = 0;
    reader->buffer_length = 0;
    reader->text = (tt_text){0};
}

/* The bytes available at `offset`; `*length` is 0 at the end of the file. NULL on failure. */
static const char *bytes_at(line_reader *reader, uint64_t offset, size_t *length, tt_error *err) {
    const tt_prompt_lines *lines = reader->lines;
    if (lines->fd < 0) {
        *length = (size_t)(lines->size - offset);
        return lines->bytes + offset;
    }
    if (offset < reader->buffer_offset || offset >= reader->buffer_offset + reader->buffer_length) {
        ssize_t got;
        do got = pread(lines->fd, reader->buffer, sizeof reader->buffer, (off_t)offset);
        while (got < 0 && errno == EINTR);
        if (got < 0) {
            tt_fail_errno(err, "cannot read '%s'", lines->name);
            return NULL;
        }
        reader->buffer_offset = offset;
        reader->buffer_length = (size_t)got;
    }
    const size_t skip = (size_t)(offset - reader->buffer_offset);
    *length = reader->buffer_length - skip;
    return reader->buffer + skip;
}

typedef enum line_result { NEXT_LINE, NEXT_END, NEXT_FAILED } line_result;

/* Puts the next line, without its end, into reader->text. */
static line_result next_line(line_reader *reader, tt_error *err) {
    tt_text_clear(&reader->text);
    reader->line_offset = reader->offset;
    reader->line_number++;
    for (bool any = false;; any = true) {
        size_t length;
        const char *bytes = bytes_at(reader, reader->offset, &length, err);
        if (!bytes) return NEXT_FAILED;
        if (!length) return any ? NEXT_LINE : NEXT_END;
        const char *end = memchr(bytes, '\n', length);
        const size_t taken = end ? (size_t)(end - bytes) : length;
        tt_text_add_bytes(&reader->text, bytes, taken);
        if (!tt_text_ok(&reader->text, err)) return NEXT_FAILED;
        if (reader->text.length > LINE_LIMIT) {
            tt_fail(err, TT_ERROR_INPUT, "%s:%llu: the line is longer than 1 MiB; write one prompt a line",
                    reader->lines->name, (unsigned long long)reader->line_number);
            return NEXT_FAILED;
        }
        reader->offset += taken + (end != NULL);
        if (end) return NEXT_LINE;
    }
}

/* The prompt in a line: without a byte order mark (at the file's beginning), spaces and CR. Returns its length; 0 if it
 * is blank. */
static size_t prompt_of(const line_reader *reader, const char **prompt) {
    static const char blank[] = " \t\r";
    const char *text = reader->text.data;
    size_t length = reader->text.length;
    *prompt = "";
    if (!text) return 0;
    const size_t mark = reader->line_offset == 0 ? tt_plain_mark(text, length) : 0;
    text += mark;
    length -= mark;
    while (length && text[length - 1] && strchr(blank, text[length - 1])) length--;
    while (length && *text && strchr(blank, *text)) {
        text++;
        length--;
    }
    *prompt = text;
    return length;
}

/* A prompt's fault, or NULL. */
static const char *fault_of(const char *prompt, size_t length) {
    size_t at;
    const tt_plain_fault fault = tt_plain_check(prompt, length, &at);
    if (fault == TT_PLAIN_NOT_UTF8) return "not UTF-8 text; save the file as UTF-8";
    if (fault == TT_PLAIN_UTF16) return "UTF-16 text; save the file as UTF-8";
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)prompt[i] < 0x20 && prompt[i] != '\t') || prompt[i] == 0x7f)
            return "the line holds a control character; the file must be plain text, one prompt a line";
    return NULL;
}

/* ==== Reading through ==== */

static bool remember_place(tt_prompt_lines *lines, uint64_t offset, tt_error *err) {
    if (lines->facts.count % lines->stride != 0) return true;
    if (lines->table_count == TABLE_LIMIT) {
        for (size_t i = 0; i < TABLE_LIMIT / 2; i++) lines->table[i] = lines->table[2 * i];
        lines->table_count = TABLE_LIMIT / 2;
        lines->stride *= 2;
    }
    if (!tt_grow(&lines->table, &lines->table_capacity, lines->table_count, sizeof *lines->table, err)) return false;
    lines->table[lines->table_count++] = offset;
    return true;
}

/* Adds the scan's current line to the facts. `prompt` is writable and ends where its line does. */
static bool take_line(tt_prompt_lines *lines, const line_reader *reader, tt_hash *hash, tt_error *err) {
    const char *prompt;
    const size_t length = prompt_of(reader, &prompt);
    if (!length) return true;
    const char *fault = fault_of(prompt, length);
    if (fault)
        return tt_fail(err, TT_ERROR_INPUT, "%s:%llu: %s", lines->name, (unsigned long long)reader->line_number, fault);
    if (!remember_place(lines, reader->line_offset, err)) return false;
    /* The line's end may be overwritten now: the reader is done with it. */
    reader->text.data[prompt - reader->text.data + (ptrdiff_t)length] = '\0';
    tt_hash_text(hash, prompt);
    tt_prompt_lines_facts *facts = &lines->facts;
    const uint64_t key = tt_partition_key(prompt);
    if (!facts->count || key < facts->least) {
        facts->least = key;
        facts->least_at = facts->count;
    }
    if (!facts->count || key > facts->greatest) {
        facts->greatest = key;
        facts->greatest_at = facts->count;
    }
    facts->count++;
    return true;
}

/* Reads through everything, which takes a while for a large file. */
static bool scan(tt_prompt_lines *lines, const atomic_bool *cancel, tt_error *err) {
    tt_hash hash;
    tt_hash_begin(&hash);
    lines->stride = 1;
    line_reader reader;
    reader_begin(&reader, lines, 0);
    line_result next;
    while ((next = next_line(&reader, err)) == NEXT_LINE) {
        const bool cancelled = cancel && atomic_load(cancel);
        if (cancelled) tt_fail(err, TT_ERROR_INTERRUPTED, "interrupted");
        if (!cancelled && take_line(lines, &reader, &hash, err)) continue;
        next = NEXT_FAILED;
        break;
    }
    tt_text_free(&reader.text);
    tt_hash_end(&hash, lines->facts.hash);
    if (next == NEXT_FAILED) return false;
    return lines->facts.count ||
           tt_fail(err, TT_ERROR_INPUT, "%s: the file holds no writing prompts; write one a line", lines->name);
}

/* ==== Interface ==== */

static tt_prompt_lines *create(const char *name, tt_error *err) {
    tt_prompt_lines *lines = tt_alloc(1, sizeof *lines, err);
    if (!lines) return NULL;
    lines->fd = -1;
    lines->name = tt_strdup(name, err);
    if (lines->name) return lines;
    free(lines);
    return NULL;
}

static tt_prompt_lines *finish(tt_prompt_lines *lines, bool ok, const atomic_bool *cancel, tt_error *err) {
    if (ok && scan(lines, cancel, err)) return lines;
    tt_prompt_lines_free(lines);
    return NULL;
}

static bool open_regular(tt_prompt_lines *lines, tt_error *err) {
    lines->fd = tt_open(lines->name, O_RDONLY, 0);
    return lines->fd >= 0 || tt_fail_errno(err, "cannot open '%s'", lines->name);
}

static bool read_all(tt_prompt_lines *lines, const atomic_bool *cancel, tt_error *err) {
    size_t length;
    lines->bytes = tt_file_read_until(lines->name, MEMORY_LIMIT, cancel, &length, err);
    if (lines->bytes) lines->size = length;
    return lines->bytes != NULL;
}

tt_prompt_lines *tt_prompt_lines_open(const char *path, const atomic_bool *cancel, tt_error *err) {
    struct stat status;
    tt_prompt_lines *lines = create(path, err);
    if (!lines) return NULL;
    const bool is_regular = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    return finish(lines, is_regular ? open_regular(lines, err) : read_all(lines, cancel, err), cancel, err);
}

void tt_prompt_lines_free(tt_prompt_lines *lines) {
    if (!lines) return;
    if (lines->fd >= 0) close(lines->fd);
    free(lines->bytes);
    free(lines->table);
    free(lines->name);
    free(lines);
}

const tt_prompt_lines_facts *tt_prompt_lines_facts_of(const tt_prompt_lines *lines) { return &lines->facts; }

char *tt_prompt_lines_read(const tt_prompt_lines *lines, uint64_t number, tt_error *err) {
    line_reader reader;
    reader_begin(&reader, lines, lines->table[number / lines->stride]);
    uint64_t skip = number % lines->stride;
    const char *prompt = NULL;
    size_t length = 0;
    line_result next;
    while ((next = next_line(&reader, err)) == NEXT_LINE) {
        length = prompt_of(&reader, &prompt);
        if (length && skip-- == 0) break;
    }
    char *copy = NULL;
    if (next == NEXT_END || (next == NEXT_LINE && fault_of(prompt, length)))
        tt_fail(err, TT_ERROR_INPUT, "'%s' was changed while it was in use; start again", lines->name);
    else if (next == NEXT_LINE)
        copy = tt_strndup(prompt, length, err);
    tt_text_free(&reader.text);
    return copy;
}
