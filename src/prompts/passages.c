/* passages.c: see passages.h */
#include "prompts/passages.h"
#include "base/json.h"
#include "base/memory.h"
#include "prompts/builtin.h"

#include <stdlib.h>

static bool take(yyjson_val *pair, const char *key, char **text, tt_error *err) {
    yyjson_val *value = yyjson_obj_get(pair, key);
    return (*text = tt_strdup(yyjson_is_str(value) ? yyjson_get_str(value) : "", err)) != NULL;
}

static bool collect(tt_passages *passages, yyjson_val *pairs, const tt_axis *axis, tt_error *err) {
    if (!yyjson_arr_size(pairs)) return true;
    passages->pairs = tt_alloc(yyjson_arr_size(pairs), sizeof *passages->pairs, err);
    if (!passages->pairs) return false;
    size_t index, count;
    yyjson_val *pair;
    yyjson_arr_foreach(pairs, index, count, pair) {
        if (!yyjson_obj_get(pair, axis->classes[0]) || !yyjson_obj_get(pair, axis->classes[1])) continue;
        tt_passage_pair *to = &passages->pairs[passages->count++];
        if (!take(pair, "prompt", &to->prompt, err) || !take(pair, axis->classes[0], &to->side[0], err) ||
            !take(pair, axis->classes[1], &to->side[1], err))
            return false;
    }
    return true;
}

bool tt_passages_load(tt_passages *passages, const tt_axis *axis, tt_error *err) {
    const tt_builtin *file = tt_builtin_passages();
    *passages = (tt_passages){0};
    yyjson_doc *doc = tt_json_parse(file->file, file->bytes, file->length, err);
    const bool ok = doc && collect(passages, yyjson_obj_get(yyjson_doc_get_root(doc), axis->name), axis, err);
    yyjson_doc_free(doc);
    if (!ok) tt_passages_free(passages);
    return ok;
}

void tt_passages_free(tt_passages *passages) {
    for (size_t i = 0; i < passages->count; i++) {
        free(passages->pairs[i].prompt);
        free(passages->pairs[i].side[0]);
        free(passages->pairs[i].side[1]);
    }
    free(passages->pairs);
    *passages = (tt_passages){0};
}
