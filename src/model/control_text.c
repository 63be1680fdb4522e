/* control_text.c: see control_text.h */
#include "model/control_text.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MARK = 4 }; /* bytes of a character of plane 16 */

struct tt_control_text {
    const tt_model *model;
    char mark[MARK + 1];
    const char **tokens; /* the vocabulary's control tokens, by first byte, the longest first */
    size_t count;
    size_t begin[UCHAR_MAX + 2]; /* where those of each first byte begin */
};

/* ==== Opening ==== */

static bool is_control(const struct llama_vocab *vocabulary, int32_t token) {
    return (llama_vocab_get_attr(vocabulary, token) & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0;
}

static int by_first_byte(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    if (*x != *y) return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
    const size_t m = strlen(x), n = strlen(y);
    return m != n ? (m > n ? -1 : 1) : strcmp(x, y);
}

static bool collect(tt_control_text *control, tt_error *err) {
    const struct llama_vocab *vocabulary = control->model->vocabulary;
    const int32_t all = llama_vocab_n_tokens(vocabulary);
    size_t capacity = 0;
    for (int32_t token = 0; token < all; token++) {
        const char *text = is_control(vocabulary, token) ? llama_vocab_get_text(vocabulary, token) : NULL;
        if (!text || !*text) continue;
        if (!tt_grow(&control->tokens, &capacity, control->count, sizeof *control->tokens, err)) return false;
        control->tokens[control->count++] = text;
    }
    if (control->count) qsort(control->tokens, control->count, sizeof *control->tokens, by_first_byte);
    size_t at = 0;
    for (unsigned byte = 0; byte <= UCHAR_MAX; byte++) {
        control->begin[byte] = at;
        while (at < control->count && (unsigned char)*control->tokens[at] == byte) at++;
    }
    control->begin[UCHAR_MAX + 1] = at;
    return true;
}

/* A character of plane 16, searched from the last one down, that the template does not contain. */
static void choose_mark(tt_control_text *control, const char *template_text) {
    enum { LAST = 0x10FFFD, CHOICE = 1024 };
    for (unsigned i = 0; i < CHOICE; i++) {
        const unsigned character = LAST - i;
        char *mark = control->mark;
        mark[0] = (char)(0xF0 | character >> 18);
        mark[1] = (char)(0x80 | (character >> 12 & 0x3F));
        mark[2] = (char)(0x80 | (character >> 6 & 0x3F));
        mark[3] = (char)(0x80 | (character & 0x3F));
        if (!template_text || !strstr(template_text, mark)) return;
    }
}

tt_control_text *tt_control_text_open(const tt_model *model, const char *template_text, tt_error *err) {
    tt_control_text *control = tt_alloc(1, sizeof *control, err);
    if (!control) return NULL;
    control->model = model;
    choose_mark(control, template_text);
    if (collect(control, err)) return control;
    tt_control_text_close(control);
    return NULL;
}

void tt_control_text_close(tt_control_text *control) {
    if (!control) return;
    free(control->tokens);
    free(control);
}

/* ==== Marking ==== */

/* The length of the longest control token that `text` begins with; 0 for none. */
static size_t token_at(const tt_control_text *control, const char *text) {
    const unsigned char first = (unsigned char)*text;
    for (size_t i = control->begin[first]; i < control->begin[first + 1]; i++) {
        const size_t length = strlen(control->tokens[i]);
        if (!strncmp(text, control->tokens[i], length)) return length;
    }
    return 0;
}

const char *tt_control_text_find(const tt_control_text *control, const char *content, size_t *length) {
    for (const char *at = content; *at; at++)
        if ((*length = token_at(control, at))) return at;
    return NULL;
}

static size_t character_length(const char *text) {
    size_t length = 1;
    while (((unsigned char)text[length] & 0xC0) == 0x80) length++;
    return length;
}

char *tt_control_text_mark(const tt_control_text *control, const char *content, tt_error *err) {
    tt_text text = {0};
    tt_text_add(&text, "");
    for (const char *at = content; *at;) {
        const size_t length = character_length(at);
        tt_text_add_bytes(&text, at, length);
        if (token_at(control, at) || !strncmp(at, control->mark, MARK)) tt_text_add_bytes(&text, control->mark, MARK);
        at += length;
    }
    return tt_text_take(&text, err);
}

/* ==== Tokenising ==== */

/* The text without its marks, and the places of the marks. */
typedef struct unmarked {
    tt_text text;
    size_t *places; /* offsets in `text`: the character before each is the first of a control token */
    size_t count, capacity;
} unmarked;

static void unmarked_free(unmarked *plain) {
    tt_text_free(&plain->text);
    free(plain->places);
}

static bool unmark(const tt_control_text *control, const char *prompt, unmarked *plain, tt_error *err) {
    tt_text_add(&plain->text, "");
    for (const char *at = prompt; *at;) {
        const char *mark = strstr(at, control->mark);
        tt_text_add_bytes(&plain->text, at, mark ? (size_t)(mark - at) : strlen(at));
        if (!mark) break;
        at = mark + MARK;
        if (!strncmp(at, control->mark, MARK)) { /* doubled: the content's own */
            tt_text_add_bytes(&plain->text, control->mark, MARK);
            at += MARK;
            continue;
        }
        if (!tt_grow(&plain->places, &plain->capacity, plain->count, sizeof *plain->places, err)) return false;
        plain->places[plain->count++] = plain->text.length;
    }
    return tt_text_ok(&plain->text, err);
}

char *tt_control_text_plain(const tt_control_text *control, const char *prompt, tt_error *err) {
    unmarked plain = {0};
    char *text = unmark(control, prompt, &plain, err) ? tt_text_take(&plain.text, err) : NULL;
    unmarked_free(&plain);
    return text;
}

/* Some vocabularies put a space in front of a text, which would be wrong in the middle of one. So the stretch is
 * tokenised after a newline, whose tokens are then removed. `tokens` has room for one token per byte. */
static bool append(const tt_model *model, const char *text, size_t length, bool control, tt_tokens *tokens, tt_error *err) {
    enum { ALONE = 16 };
    if (!length) return true;
    int32_t alone[ALONE];
    const int32_t skip = llama_tokenize(model->vocabulary, "\n", 1, alone, ALONE, false, control);
    char *behind = tt_format(err, "\n%.*s", (int)length, text);
    const int32_t room = (int32_t)length + ALONE;
    int32_t *ids = behind ? tt_alloc((size_t)room, sizeof *ids, err) : NULL;
    bool ok = ids != NULL;
    if (ok) {
        int32_t count = llama_tokenize(model->vocabulary, behind, (int32_t)length + 1, ids, room, false, control);
        const bool apart = skip > 0 && count >= skip && !memcmp(ids, alone, (size_t)skip * sizeof *ids);
        if (!apart) count = llama_tokenize(model->vocabulary, text, (int32_t)length, ids, room, false, control);
        ok = count >= 0 || tt_fail(err, TT_ERROR_MODEL, "libllama cannot tokenise a prompt");
        for (int32_t i = apart ? skip : 0; ok && i < count; i++) tokens->ids[tokens->count++] = ids[i];
    }
    free(ids);
    free(behind);
    return ok;
}

/* The next stretch from `done` on that reads as a control token but is text; false if there is none. */
static bool next_said(const tt_control_text *control, const unmarked *plain, size_t *place, size_t done, size_t *begin,
                      size_t *length) {
    const char *text = plain->text.data;
    while (*place < plain->count) {
        *begin = plain->places[(*place)++];
        while (*begin > 0 && ((unsigned char)text[*begin - 1] & 0xC0) == 0x80) --*begin;
        if (*begin == 0) continue;
        *length = token_at(control, text + --*begin);
        if (*begin >= done && *length) return true; /* otherwise it is inside another, or the template has changed it */
    }
    return false;
}

/* The part before the first such stretch, with the tokens that begin every text; a token that ends texts comes last. */
static bool read_beginning(const tt_control_text *control, const unmarked *plain, size_t length, tt_tokens *tokens,
                           tt_error *err) {
    if (!tt_tokenize(control->model, plain->text.data, length, tokens, err)) return false;
    if (llama_vocab_get_add_eos(control->model->vocabulary) && tokens->count) tokens->count--;
    const size_t room = 2 * plain->text.length + 32; /* a byte gives at most one token, and a stretch takes two turns */
    return tt_resize(&tokens->ids, room + tokens->count, sizeof *tokens->ids, err);
}

/* Tokenises the text in alternation: as a prompt, and its marked stretches as text. */
static bool read_in_turns(const tt_control_text *control, const unmarked *plain, tt_tokens *tokens, tt_error *err) {
    const struct llama_vocab *vocabulary = control->model->vocabulary;
    const char *text = plain->text.data;
    size_t place = 0, begin, length, done = 0;
    bool more = next_said(control, plain, &place, done, &begin, &length);
    done = more ? begin : plain->text.length;
    bool ok = read_beginning(control, plain, done, tokens, err);
    while (ok && more) {
        ok = append(control->model, text + begin, length, false, tokens, err);
        done = begin + length;
        more = next_said(control, plain, &place, done, &begin, &length);
        const size_t end = more ? begin : plain->text.length;
        ok = ok && append(control->model, text + done, end - done, true, tokens, err);
    }
    if (ok && llama_vocab_get_add_eos(vocabulary)) tokens->ids[tokens->count++] = llama_vocab_eos(vocabulary);
    if (!ok) tt_tokens_free(tokens);
    return ok;
}

bool tt_control_text_tokenize(const tt_control_text *control, const char *prompt, tt_tokens *tokens, tt_error *err) {
    *tokens = (tt_tokens){0};
    unmarked plain = {0};
    bool ok = unmark(control, prompt, &plain, err);
    if (ok && !plain.count) ok = tt_tokenize(control->model, plain.text.data, plain.text.length, tokens, err);
    if (ok && plain.count) ok = read_in_turns(control, &plain, tokens, err);
    unmarked_free(&plain);
    return ok;
}
