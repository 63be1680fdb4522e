/* stems.c: see stems.h */
#include "prompts/stems.h"
#include "base/memory.h"
#include "base/plain.h"
#include "prompts/builtin.h"
#include "prompts/source.h"

#include <stdlib.h>

static void phrases_free(tt_phrases *phrases) {
    for (size_t i = 0; i < phrases->count; i++) free(phrases->list[i]);
    free(phrases->list);
    *phrases = (tt_phrases){0};
}

void tt_stems_free(tt_stems *stems) {
    phrases_free(&stems->pre);
    phrases_free(&stems->post);
}

static void collect_half(const tt_source *source, const char *key, yyjson_val **values, tt_phrases *phrases) {
    yyjson_val *array = tt_source_array(source, key, "write {\"pre\": [\"You are\", ...], \"post\": [\"an author\", ...]}");
    if (!array) return;
    phrases->list = tt_alloc(yyjson_arr_size(array), sizeof *phrases->list, NULL);
    if (!phrases->list) {
        source->findings->failed = true;
        return;
    }
    size_t index, size;
    yyjson_val *value;
    yyjson_arr_foreach(array, index, size, value) {
        const char *text = tt_source_phrase(source, value, "the phrase");
        if (!text) continue;
        values[phrases->count] = value;
        phrases->list[phrases->count] = tt_strdup(text, NULL);
        source->findings->failed = source->findings->failed || !phrases->list[phrases->count];
        phrases->count++;
    }
    tt_source_check_unique(source, values, phrases->count, "phrase");
}

static void read_half(const tt_source *source, const char *key, tt_phrases *phrases) {
    yyjson_val **values = tt_alloc(yyjson_arr_size(yyjson_obj_get(source->root, key)), sizeof *values, NULL);
    if (values)
        collect_half(source, key, values, phrases);
    else
        source->findings->failed = true;
    free(values);
}

bool tt_stems_parse(tt_stems *stems, const char *file, const char *json, size_t length, tt_error *err) {
    static const char *const known[] = {"pre", "post", "description"};
    *stems = (tt_stems){0};
    tt_findings findings = {0};
    tt_source source;
    if (tt_source_open(&source, json, length, &findings)) {
        tt_source_check_keys(&source, known, sizeof known / sizeof *known);
        read_half(&source, "pre", &stems->pre);
        read_half(&source, "post", &stems->post);
        tt_source_close(&source);
    }
    tt_findings_sort(&findings);
    const bool ok = tt_findings_ok(&findings, file, err);
    tt_findings_free(&findings);
    if (!ok) tt_stems_free(stems);
    return ok;
}

bool tt_stems_load(tt_stems *stems, const char *file, tt_error *err) {
    *stems = (tt_stems){0};
    if (!file) {
        const tt_builtin *builtin = tt_builtin_stems();
        return tt_stems_parse(stems, builtin->file, builtin->bytes, builtin->length, err);
    }
    size_t length;
    char *json = tt_plain_read(file, TT_SOURCE_LIMIT, NULL, &length, err);
    const bool ok = json && tt_stems_parse(stems, file, json, length, err);
    free(json);
    return ok;
}
