/* thinking.c: see thinking.h */
#include "model/thinking.h"
#include "base/memory.h"
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

/* In gpt-oss' format an answer is several messages, each with a header:
 * "<|start|>assistant<|channel|>final<|message|>". */
static const char header_end[] = "<|message|>";
static const char *const header_begins[] = {"<|start|>", "<|channel|>"};
enum { HEADER_BEGINS = sizeof header_begins / sizeof *header_begins };

/* ==== The marks ==== */

static bool show_token(const tt_model *model, int32_t id, tt_tokens *shown, size_t *capacity, tt_error *err) {
    if (!(llama_vocab_get_attr(model->vocabulary, id) & LLAMA_TOKEN_ATTR_CONTROL)) return true;
    for (size_t i = 0; i < shown->count; i++)
        if (shown->ids[i] == id) return true;
    if (!tt_grow(&shown->ids, capacity, shown->count, sizeof *shown->ids, err)) return false;
    shown->ids[shown->count++] = id;
    return true;
}

/* The control tokens in a mark. */
static bool show_mark(const tt_model *model, const char *mark, tt_tokens *shown, size_t *capacity, tt_error *err) {
    enum { MOST = 64 };
    int32_t ids[MOST];
    const int32_t count = llama_tokenize(model->vocabulary, mark, (int32_t)strlen(mark), ids, MOST, false, true);
    bool ok = true;
    for (int32_t i = 0; ok && i < count; i++) ok = show_token(model, ids[i], shown, capacity, err);
    return ok;
}

bool tt_thinking_of(const tt_chat *chat, const tt_rendered *rendered, tt_thinking *thinking, tt_error *err) {
    const tt_model *model = tt_chat_model(chat);
    *thinking =
        (tt_thinking){.known = rendered->thinks && rendered->thinking_end_count, .opened = rendered->thinking_opened};
    if (!thinking->known) return true;
    size_t capacity = 0;
    bool ok = (thinking->start = tt_strdup(rendered->thinking_start, err)) &&
              (thinking->ends = tt_alloc(rendered->thinking_end_count, sizeof *thinking->ends, err)) &&
              show_mark(model, thinking->start, &thinking->shown, &capacity, err);
    for (size_t i = 0; ok && i < rendered->thinking_end_count; i++) {
        ok = (thinking->ends[i] = tt_strdup(rendered->thinking_ends[i], err)) &&
             show_mark(model, thinking->ends[i], &thinking->shown, &capacity, err);
        thinking->end_count += thinking->ends[i] != NULL;
    }
    for (size_t i = 0; ok && i < HEADER_BEGINS && strstr(thinking->start, header_end); i++)
        ok = show_mark(model, header_begins[i], &thinking->shown, &capacity, err);
    if (!ok) tt_thinking_free(thinking);
    return ok;
}

void tt_thinking_free(tt_thinking *thinking) {
    for (size_t i = 0; i < thinking->end_count; i++) free(thinking->ends[i]);
    free(thinking->ends);
    free(thinking->start);
    tt_tokens_free(&thinking->shown);
    *thinking = (tt_thinking){0};
}

/* ==== Splitting ==== */

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

static size_t skip_spaces(const char *text, size_t from, size_t length) {
    while (from < length && is_space(text[from])) from++;
    return from;
}

/* Whether the text begins with `mark`, or (`*begins`) may, once there is more of it. */
static bool stands_at(const char *text, size_t length, const char *mark, bool *begins) {
    const size_t size = strlen(mark), common = length < size ? length : size;
    const bool same = size && !memcmp(text, mark, common);
    *begins = same && length < size;
    return same && length >= size;
}

/* The first end mark; without one, the place where one may have begun. */
static size_t find_end(const tt_thinking *thinking, const char *text, size_t from, size_t length, const char **mark) {
    for (size_t at = from; at < length; at++) {
        bool maybe = false;
        *mark = NULL;
        for (size_t i = 0; i < thinking->end_count; i++) {
            bool begins;
            const bool stands = stands_at(text + at, length - at, thinking->ends[i], &begins);
            if (stands && (!*mark || strlen(thinking->ends[i]) > strlen(*mark))) *mark = thinking->ends[i];
            maybe = maybe || begins;
        }
        if (*mark || maybe) return at;
    }
    *mark = NULL;
    return length;
}

/* Where the said part begins: after its header, if any; `length` if the header is incomplete. */
static size_t behind_header(const char *text, size_t from, size_t length, bool ended) {
    for (size_t i = 0; i < HEADER_BEGINS; i++) {
        bool begins;
        const bool stands = stands_at(text + from, length - from, header_begins[i], &begins);
        if (begins && !ended) return length;
        if (!stands) continue;
        const char *end = memmem(text + from, length - from, header_end, sizeof header_end - 1);
        return end ? (size_t)(end - text) + sizeof header_end - 1 : length;
    }
    return from;
}

static tt_parts said_from(const tt_thinking *thinking, const char *text, size_t said, size_t length, bool ended) {
    if (thinking->start && strstr(thinking->start, header_end)) said = behind_header(text, said, length, ended);
    return (tt_parts){said, said, said, length};
}

/* An end mark that opens a tool call is part of the said text. */
static bool is_call(const char *mark) { return strstr(mark, "tool_call") != NULL; }

tt_parts tt_thinking_split(const tt_thinking *thinking, const char *text, size_t length, bool ended) {
    if (!thinking->known) return (tt_parts){0, 0, 0, length};
    size_t from = skip_spaces(text, 0, length);
    bool begins = false;
    if (*thinking->start && stands_at(text + from, length - from, thinking->start, &begins))
        from += strlen(thinking->start);
    else if ((begins || from == length) && !ended)
        return (tt_parts){length, length, length, length};
    else if (!thinking->opened)
        return said_from(thinking, text, 0, length, ended);
    from = skip_spaces(text, from, length);
    const char *mark;
    size_t end = find_end(thinking, text, from, length, &mark);
    tt_parts parts = {from, ended && !mark ? length : end, length, length};
    if (mark) {
        const size_t behind = skip_spaces(text, is_call(mark) ? end : end + strlen(mark), length);
        parts.said = said_from(thinking, text, behind, length, ended).said;
    }
    while (parts.thought_end > from && is_space(text[parts.thought_end - 1])) parts.thought_end--;
    return parts;
}
