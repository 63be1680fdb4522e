/* source.c: see source.h */
#include "prompts/source.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tt_source_open(tt_source *source, const char *json, size_t length, tt_findings *findings) {
    *source = (tt_source){.findings = findings};
    tt_error why = {0};
    size_t line;
    source->doc = tt_json_parse_at(json, length, &line, &why);
    if (!source->doc) {
        findings->failed = findings->failed || why.kind == TT_ERROR_MEMORY;
        tt_findings_error(findings, line, "%s", why.message);
        return false;
    }
    source->root = yyjson_doc_get_root(source->doc);
    source->lines = tt_json_lines(source->doc, json, length, NULL);
    if (!source->lines) findings->failed = true;
    const bool is_object = yyjson_is_obj(source->root);
    if (!is_object) tt_findings_error(findings, 1, "the file holds no JSON object; it must begin with '{' and end with '}'");
    if (source->lines && is_object) return true;
    tt_source_close(source);
    return false;
}

void tt_source_close(tt_source *source) {
    yyjson_doc_free(source->doc);
    free(source->lines);
    *source = (tt_source){0};
}

size_t tt_source_line(const tt_source *source, yyjson_val *value) { return tt_json_line(source->doc, source->lines, value); }

void tt_source_check_keys(const tt_source *source, const char *const *known, size_t count) {
    char quote[TT_QUOTE];
    bool seen[TT_SOURCE_KEYS] = {0};
    size_t index, size;
    yyjson_val *key, *value;
    yyjson_obj_foreach(source->root, index, size, key, value) {
        size_t match = 0;
        while (match < count && !yyjson_equals_str(key, known[match])) match++;
        const size_t line = tt_source_line(source, key);
        if (match < count) {
            if (seen[match])
                tt_findings_error(source->findings, line, "the key \"%s\" stands here a second time; keep one",
                                  known[match]);
            seen[match] = true;
            continue;
        }
        const char *name = tt_quote(yyjson_get_str(key), quote);
        const char *near = tt_nearest(name, known, count);
        tt_findings_warning(source->findings, line, "the key \"%s\" is not known and is ignored; %s%s%s", name,
                            near ? "did you mean \"" : "remove it", near ? near : "", near ? "\"?" : "");
    }
}

yyjson_val *tt_source_array(const tt_source *source, const char *key, const char *remedy) {
    yyjson_val *value = yyjson_obj_get(source->root, key);
    if (!value) {
        tt_findings_error(source->findings, 1, "the key \"%s\" is missing; %s", key, remedy);
        return NULL;
    }
    const size_t line = tt_source_line(source, value);
    if (!yyjson_is_arr(value)) {
        tt_findings_error(source->findings, line, "\"%s\" is %s, not an array; %s", key, tt_json_kind(value), remedy);
        return NULL;
    }
    if (!yyjson_arr_size(value)) {
        tt_findings_error(source->findings, line, "\"%s\" is empty; %s", key, remedy);
        return NULL;
    }
    return value;
}

static bool is_blank(const char *text) { return text[strspn(text, " \t")] == '\0'; }

static bool has_control(yyjson_val *value) {
    const char *text = yyjson_get_str(value);
    for (size_t i = 0; i < yyjson_get_len(value); i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return true;
    return false;
}

const char *tt_source_text(const tt_source *source, yyjson_val *value, const char *what) {
    const size_t line = tt_source_line(source, value);
    if (!yyjson_is_str(value)) {
        tt_findings_error(source->findings, line, "%s is %s, not a text; write it in quotes", what, tt_json_kind(value));
        return NULL;
    }
    if (has_control(value)) {
        tt_findings_error(source->findings, line,
                          "%s holds a line break or another control character; write it as one line of plain text", what);
        return NULL;
    }
    return yyjson_get_str(value);
}

/* The length of a control token of chat templates (for a turn, a text or its end) at this place, or 0. */
static size_t mark_at(const char *text) {
    static const char *const marks[] = {
        "<s>",      "</s>",   "<bos>",   "<eos>",           "<pad>",           "<think>",
        "</think>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "<start_of_turn>", "<end_of_turn>"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!strncmp(text, marks[i], strlen(marks[i]))) return strlen(marks[i]);
    const char *end = !strncmp(text, "<|", 2) ? strstr(text + 2, "|>") : NULL;
    return end && end - text < TT_QUOTE / 2 ? (size_t)(end - text) + 2 : 0;
}

static void warn_of_marks(const tt_source *source, const char *text, const char *what, size_t line) {
    for (; *text; text++) {
        const size_t length = mark_at(text);
        if (!length) continue;
        tt_findings_warning(source->findings, line,
                            "%s holds \"%.*s\", which some models have as a mark of their own: it is told to them as text "
                            "(unless --control-tokens is given); better write it in other words",
                            what, (int)length, text);
        return;
    }
}

const char *tt_source_phrase(const tt_source *source, yyjson_val *value, const char *what) {
    const char *text = tt_source_text(source, value, what);
    if (!text) return NULL;
    const size_t line = tt_source_line(source, value), length = strlen(text);
    if (is_blank(text)) {
        tt_findings_error(source->findings, line, "%s is empty; write one, or remove the place for it", what);
        return NULL;
    }
    char quote[TT_QUOTE];
    if (text[0] == ' ' || text[length - 1] == ' ')
        tt_findings_warning(source->findings, line,
                            "\"%s\" begins or ends with a space, which will stand in the prompts; remove it",
                            tt_quote(text, quote));
    warn_of_marks(source, text, what, line);
    return text;
}

const char *tt_source_optional_text(const tt_source *source, const char *key) {
    yyjson_val *value = yyjson_obj_get(source->root, key);
    return value ? tt_source_text(source, value, key) : NULL;
}

static int by_text(const void *a, const void *b) {
    yyjson_val *left = *(yyjson_val *const *)a, *right = *(yyjson_val *const *)b;
    const int order = strcmp(yyjson_get_str(left), yyjson_get_str(right));
    return order ? order : (left > right) - (left < right);
}

void tt_source_check_unique(const tt_source *source, yyjson_val *const *values, size_t count, const char *what) {
    yyjson_val **sorted = tt_alloc(count, sizeof *sorted, NULL);
    if (!sorted) {
        source->findings->failed = true;
        return;
    }
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_text);
    char quote[TT_QUOTE];
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(yyjson_get_str(sorted[i]), yyjson_get_str(sorted[first])) != 0) {
            first = i;
            continue;
        }
        tt_findings_error(source->findings, tt_source_line(source, sorted[i]),
                          "the %s \"%s\" stands in line %zu already; reword or remove one of them", what,
                          tt_quote(yyjson_get_str(sorted[i]), quote), tt_source_line(source, sorted[first]));
    }
    free(sorted);
}

const char *tt_quote(const char *text, char buffer[static TT_QUOTE]) {
    const bool fits = strlen(text) < TT_QUOTE;
    const size_t length = tt_utf8_cut(text, fits ? TT_QUOTE : TT_QUOTE - 4);
    for (size_t i = 0; i < length; i++) buffer[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    snprintf(buffer + length, TT_QUOTE - length, "%s", fits ? "" : "...");
    return buffer;
}
