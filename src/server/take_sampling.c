/* take_sampling.c: see take_sampling.h */
#include "server/take_sampling.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 1 << 16 }; /* bytes: a longer grammar would keep libllama's parser busy for everybody */

void tt_kept_texts_free(tt_kept_texts *texts) {
    for (size_t i = 0; i < texts->count; i++) free(texts->items[i]);
    free(texts->items);
    *texts = (tt_kept_texts){0};
}

/* A copy that lives as long as `kept`; NULL when refused. */
static const char *keep(tt_fields *fields, const char *name, tt_kept_texts *kept, const char *text) {
    tt_error err = {0};
    if (tt_grow(&kept->items, &kept->capacity, kept->count, sizeof *kept->items, &err) &&
        (kept->items[kept->count] = tt_strdup(text, &err)))
        return kept->items[kept->count++];
    tt_fields_refuse_error(fields, name, &err);
    return NULL;
}

/* "" stands for none. */
static void take_text(tt_fields *fields, const char *name, tt_kept_texts *kept, const char **value) {
    const char *text = NULL;
    tt_take_text(fields, name, &text);
    if (!text || !fields->ok) return;
    if (strlen(text) > TEXT_MOST)
        tt_fields_refuse(fields, name, "'%s' is longer than %d bytes", name, TEXT_MOST);
    else
        *value = *text ? keep(fields, name, kept, text) : NULL;
}

/* The field as a list of texts without zero bytes; NULL where it is absent or refused. */
static yyjson_val *list_of_texts(tt_fields *fields, const char *name) {
    yyjson_val *list = tt_fields_get(fields, name), *item;
    if (!list) return NULL;
    bool ok = yyjson_is_arr(list);
    size_t index, count;
    yyjson_arr_foreach(list, index, count, item) {
        ok = ok && yyjson_is_str(item) && strlen(yyjson_get_str(item)) == yyjson_get_len(item);
    }
    if (!ok) tt_fields_refuse(fields, name, "'%s' should be a list of texts", name);
    return ok ? list : NULL;
}

static void take_texts(tt_fields *fields, const char *name, tt_kept_texts *kept, tt_texts *texts) {
    yyjson_val *list = list_of_texts(fields, name), *item;
    size_t index, count;
    if (list) texts->count = 0;
    yyjson_arr_foreach(list, index, count, item) {
        tt_error err = {0};
        const char *copy = keep(fields, name, kept, yyjson_get_str(item));
        if (!copy) return;
        if (tt_texts_add(texts, name, copy, &err)) continue;
        tt_fields_refuse_error(fields, name, &err);
        return;
    }
}

static void take_names(tt_fields *fields, const char *name, tt_kept_texts *kept, const char **names) {
    yyjson_val *list = list_of_texts(fields, name), *item;
    if (!list) return;
    tt_text joined = {0};
    tt_error err = {0};
    size_t index, count;
    yyjson_arr_foreach(list, index, count, item) tt_text_addf(&joined, "%s%s", index ? ";" : "", yyjson_get_str(item));
    if (tt_text_ok(&joined, &err))
        *names = keep(fields, name, kept, joined.data ? joined.data : "");
    else
        tt_fields_refuse_error(fields, name, &err);
    tt_text_free(&joined);
}

static void take(tt_fields *fields, const tt_sampling_option *option, tt_sampling *sampling, tt_kept_texts *kept) {
    void *field = tt_sampling_field(sampling, option);
    switch (option->kind) {
    case TT_SAMPLING_SEED:
        tt_take_whole(fields, option->name, (int64_t)option->least, (int64_t)option->most, field);
        break;
    case TT_SAMPLING_NUMBER:
        tt_take_float(fields, option->name, option->least, option->most, field);
        break;
    case TT_SAMPLING_WHOLE:
        tt_take_int32(fields, option->name, (int64_t)option->least, (int64_t)option->most, field);
        break;
    case TT_SAMPLING_FLAG:
        tt_take_bool(fields, option->name, field);
        break;
    case TT_SAMPLING_TEXT:
        take_text(fields, option->name, kept, field);
        break;
    case TT_SAMPLING_NAMES:
        take_names(fields, option->name, kept, field);
        break;
    case TT_SAMPLING_TEXTS:
        take_texts(fields, option->name, kept, field);
        break;
    }
}

static void try_sampler(tt_fields *fields, const tt_model *model, const tt_sampling *sampling, const char *name) {
    tt_error err = {0};
    tt_sampler *sampler = fields->ok ? tt_sampler_open(model, sampling, &err) : NULL;
    if (!sampler) tt_fields_refuse_error(fields, name, &err);
    tt_sampler_close(sampler);
}

void tt_take_sampling(tt_fields *fields, const tt_model *model, tt_sampling *sampling, tt_kept_texts *kept) {
    *sampling = tt_sampling_defaults();
    const tt_sampling_option *option;
    for (size_t i = 0; (option = tt_sampling_option_at(i)); i++)
        if (option->name) take(fields, option, sampling, kept);
    tt_sampling without = *sampling;
    without.grammar = NULL;
    if (tt_fields_get(fields, "samplers")) try_sampler(fields, model, &without, "samplers");
    if (sampling->grammar) try_sampler(fields, model, sampling, "grammar");
}
