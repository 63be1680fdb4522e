/* kept.c: see kept.h */
#include "evaluate/kept.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1, FILE_LIMIT = 256 << 20, UNSAVED_MOST = 16 };

static void free_text(tt_kept_text *text) {
    tt_tokens_free(&text->tokens);
    free(text->scores);
}

void tt_kept_close(tt_kept *kept) {
    for (size_t i = 0; i < kept->count; i++) free_text(&kept->texts[i]);
    free(kept->texts);
    *kept = (tt_kept){0};
}

static size_t place_of(const tt_kept *kept, const char *key) {
    size_t i = 0;
    while (i < kept->count && strcmp(kept->texts[i].key, key) != 0) i++;
    return i;
}

const tt_kept_text *tt_kept_find(const tt_kept *kept, const char *key) {
    const size_t place = place_of(kept, key);
    return place < kept->count ? &kept->texts[place] : NULL;
}

static bool copy(tt_kept_text *to, const tt_kept_text *from, size_t axis_count, tt_error *err) {
    *to = *from;
    to->tokens.ids = tt_alloc(from->tokens.count, sizeof *to->tokens.ids, err);
    to->scores = tt_alloc(axis_count, sizeof *to->scores, err);
    if (!to->tokens.ids || !to->scores) {
        free_text(to);
        return false;
    }
    if (from->tokens.count) memcpy(to->tokens.ids, from->tokens.ids, from->tokens.count * sizeof *to->tokens.ids);
    for (size_t i = 0; i < axis_count; i++) to->scores[i] = from->scores ? from->scores[i] : NAN;
    return true;
}

bool tt_kept_put(tt_kept *kept, const tt_kept_text *text, tt_error *err) {
    if (!kept->path) return true;
    tt_kept_text made;
    if (!copy(&made, text, kept->axis_count, err)) return false;
    const size_t place = place_of(kept, text->key);
    if (place < kept->count) {
        free_text(&kept->texts[place]);
    } else if (tt_grow(&kept->texts, &kept->capacity, kept->count, sizeof *kept->texts, err)) {
        kept->count++;
    } else {
        free_text(&made);
        return false;
    }
    kept->texts[place] = made;
    return ++kept->unsaved < UNSAVED_MOST || tt_kept_save(kept, err);
}

/* ==== The file ==== */

static void add_number(yyjson_mut_doc *doc, yyjson_mut_val *array, double number) {
    if (isfinite(number))
        yyjson_mut_arr_add_real(doc, array, number);
    else
        yyjson_mut_arr_add_null(doc, array);
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *texts, const tt_kept_text *text, size_t axis_count) {
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, texts);
    yyjson_mut_obj_add_str(doc, object, "key", text->key);
    yyjson_mut_val *tokens = yyjson_mut_obj_add_arr(doc, object, "tokens");
    for (size_t i = 0; i < text->tokens.count; i++) yyjson_mut_arr_add_sint(doc, tokens, text->tokens.ids[i]);
    if (!text->read) return;
    yyjson_mut_val *read = yyjson_mut_obj_add_arr(doc, object, "read"),
                   *scores = yyjson_mut_obj_add_arr(doc, object, "scores");
    const double numbers[] = {text->own, text->asked[0], text->asked[1], text->other};
    for (size_t i = 0; i < 4; i++) add_number(doc, read, numbers[i]);
    for (size_t i = 0; i < axis_count; i++) add_number(doc, scores, text->scores[i]);
}

bool tt_kept_save(tt_kept *kept, tt_error *err) {
    if (!kept->path || !kept->unsaved) return true;
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_uint(doc, root, "format", FORMAT);
    yyjson_mut_obj_add_uint(doc, root, "axes", kept->axis_count);
    yyjson_mut_val *texts = yyjson_mut_obj_add_arr(doc, root, "texts");
    for (size_t i = 0; i < kept->count; i++) add_text(doc, texts, &kept->texts[i], kept->axis_count);
    size_t length;
    char *json = tt_json_text(doc, YYJSON_WRITE_NOFLAG, &length, err);
    const bool ok = json && tt_file_write(kept->path, json, length, err);
    free(json);
    yyjson_mut_doc_free(doc);
    if (ok) kept->unsaved = 0;
    return ok;
}

static double number_at(yyjson_val *array, size_t index, double otherwise) {
    yyjson_val *value = yyjson_arr_get(array, index);
    return yyjson_is_num(value) ? yyjson_get_num(value) : otherwise;
}

static bool read_text(tt_kept *kept, yyjson_val *object, tt_error *err) {
    yyjson_val *key = yyjson_obj_get(object, "key"), *tokens = yyjson_obj_get(object, "tokens"),
               *read = yyjson_obj_get(object, "read"), *scores = yyjson_obj_get(object, "scores");
    if (yyjson_get_len(key) != TT_HASH_TEXT - 1 || !yyjson_is_str(key)) return true;
    tt_kept_text text = {.read = read != NULL};
    memcpy(text.key, yyjson_get_str(key), TT_HASH_TEXT);
    text.tokens.ids = tt_alloc(yyjson_arr_size(tokens), sizeof *text.tokens.ids, err);
    text.scores = tt_alloc(kept->axis_count, sizeof *text.scores, err);
    bool ok = text.tokens.ids && text.scores;
    size_t index, count;
    yyjson_val *token;
    if (ok)
        yyjson_arr_foreach(tokens, index, count, token) text.tokens.ids[text.tokens.count++] =
            (int32_t)yyjson_get_sint(token);
    for (size_t i = 0; ok && i < kept->axis_count; i++) text.scores[i] = number_at(scores, i, NAN);
    text.own = number_at(read, 0, -INFINITY);
    text.asked[0] = number_at(read, 1, -INFINITY);
    text.asked[1] = number_at(read, 2, -INFINITY);
    text.other = number_at(read, 3, NAN);
    ok = ok && tt_kept_put(kept, &text, err);
    free_text(&text);
    return ok;
}

bool tt_kept_open(tt_kept *kept, const char *path, size_t axis_count, tt_error *err) {
    *kept = (tt_kept){.axis_count = axis_count};
    if (!path || access(path, F_OK) != 0) {
        kept->path = path;
        return true;
    }
    size_t length;
    char *json = tt_file_read(path, FILE_LIMIT, &length, err);
    if (!json) return false;
    yyjson_doc *doc = tt_json_parse(path, json, length, NULL);
    yyjson_val *root = yyjson_doc_get_root(doc), *texts = yyjson_obj_get(root, "texts"), *text;
    free(json);
    bool ok = true;
    size_t index, count;
    kept->path = path; /* what is read is put back in the same way, and is not new */
    if (yyjson_get_uint(yyjson_obj_get(root, "format")) == FORMAT &&
        yyjson_get_uint(yyjson_obj_get(root, "axes")) == axis_count)
        yyjson_arr_foreach(texts, index, count, text) {
            ok = ok && read_text(kept, text, err);
            kept->unsaved = 0;
        }
    yyjson_doc_free(doc);
    if (!ok) tt_kept_close(kept);
    return ok;
}
