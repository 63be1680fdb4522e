/* sampling_fields.c: how to sample, from a request's fields: the options of model/sampling.def, under llama.cpp's names,
 * which are OpenAI's where OpenAI has one, and under other servers' names. */
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST = 1 << 16 }; /* bytes: a longer grammar would keep libllama's parser busy for everybody */

void tt_kept_texts_free(tt_kept_texts *texts) {
    for (size_t i = 0; i < texts->count; i++) free(texts->items[i]);
    free(texts->items);
    *texts = (tt_kept_texts){0};
}

const char *tt_request_keep(tt_fields *fields, const char *name, tt_kept_texts *kept, const char *text) {
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
        *value = *text ? tt_request_keep(fields, name, kept, text) : NULL;
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
        const char *copy = tt_request_keep(fields, name, kept, yyjson_get_str(item));
        if (!copy) return;
        if (tt_texts_add(texts, name, copy, &err)) continue;
        tt_fields_refuse_error(fields, name, &err);
        return;
    }
}

/* An empty list stands for the usual names. */
static void take_names(tt_fields *fields, const char *name, tt_kept_texts *kept, const char **names) {
    yyjson_val *list = list_of_texts(fields, name), *item;
    if (!list || yyjson_arr_size(list) == 0) return;
    tt_text joined = {0};
    tt_error err = {0};
    size_t index, count;
    yyjson_arr_foreach(list, index, count, item) tt_text_addf(&joined, "%s%s", index ? ";" : "", yyjson_get_str(item));
    if (tt_text_ok(&joined, &err))
        *names = tt_request_keep(fields, name, kept, joined.data ? joined.data : "");
    else
        tt_fields_refuse_error(fields, name, &err);
    tt_text_free(&joined);
}

/* Other servers' names for an option. */
static const char *const aliases[][2] = {
    {"repetition_penalty", "repeat_penalty"},
    {"rep_pen", "repeat_penalty"},
    {"rep_pen_range", "repeat_last_n"},
    {"repetition_penalty_range", "repeat_last_n"},
    {"typical", "typical_p"},
    {"mirostat_mode", "mirostat"},
    {"nsigma", "top_n_sigma"},
    {"ban_eos_token", "ignore_eos"},
    {"guided_grammar", "grammar"},
    {"grammar_string", "grammar"},
};

/* Options that clients send below 0, and what that stands for. */
static const struct {
    const char *name;
    bool context; /* as many tokens as the context has; else 0 */
} negatives[] = {{"temperature", false}, {"top_k", false}, {"repeat_last_n", true}, {"dry_penalty_last_n", true}};

/* Options of which llama.cpp takes any number, one beyond the limits being the same as the limit. */
static const char *const bounded[] = {"top_p",           "min_p",         "typical_p",      "top_n_sigma",
                                      "xtc_probability", "xtc_threshold", "dynatemp_range", "adaptive_target",
                                      "adaptive_decay",  "min_keep"};

static bool is_bounded(const char *name) {
    for (size_t i = 0; i < sizeof bounded / sizeof *bounded; i++)
        if (!strcmp(bounded[i], name)) return true;
    return false;
}

/* -1 where a value below 0 is out of the option's range; else what stands for it. */
static int64_t meaning_below_0(const char *name, uint32_t context) {
    for (size_t i = 0; i < sizeof negatives / sizeof *negatives; i++)
        if (!strcmp(negatives[i].name, name)) return negatives[i].context ? (int64_t)context : 0;
    return -1;
}

/* Any whole number is a seed; -1 and llama.cpp's 2^32 - 1 are a random one. */
static void take_seed(tt_fields *fields, const char *name, int64_t *value) {
    yyjson_val *given = tt_fields_get(fields, name);
    int64_t seed = TT_SEED_RANDOM;
    if (yyjson_is_uint(given) && yyjson_get_uint(given) > INT64_MAX)
        seed = (int64_t)(yyjson_get_uint(given) % UINT32_MAX);
    else
        tt_take_whole(fields, name, -INT64_MAX, INT64_MAX, &seed);
    if (seed == UINT32_MAX) seed = TT_SEED_RANDOM;
    if (seed != TT_SEED_RANDOM) seed = (int64_t)((uint64_t)seed % UINT32_MAX);
    *value = seed;
}

static void take_float(tt_fields *fields, const char *name, const tt_sampling_option *option, uint32_t context,
                       float *value) {
    const int64_t below = meaning_below_0(option->name, context);
    double number = (double)*value;
    if (is_bounded(option->name))
        tt_take_number(fields, name, -INFINITY, INFINITY, &number);
    else
        tt_take_number(fields, name, below < 0 ? option->least : -option->most, option->most, &number);
    if (below >= 0 && number < 0) number = (double)below;
    *value = (float)fmin(fmax(number, option->least), option->most);
}

static void take_whole(tt_fields *fields, const char *name, const tt_sampling_option *option, uint32_t context,
                       int32_t *value) {
    const int64_t below = meaning_below_0(option->name, context), most = (int64_t)option->most;
    const bool any = below >= 0 || is_bounded(option->name);
    int64_t number = *value;
    if (any)
        tt_take_count(fields, name, INT64_MIN, &number);
    else
        tt_take_whole(fields, name, (int64_t)option->least, most, &number);
    if (any && number < 0) number = below < 0 ? (int64_t)option->least : below;
    *value = (int32_t)(number > most ? most : number);
}

/* The option from the field `name`. */
static void take(tt_fields *fields, const char *name, const tt_sampling_option *option, tt_request *request,
                 uint32_t context) {
    void *field = tt_sampling_field(&request->sampling, option);
    tt_kept_texts *kept = &request->sampling_texts;
    switch (option->kind) {
    case TT_SAMPLING_SEED:
        take_seed(fields, name, field);
        break;
    case TT_SAMPLING_NUMBER:
        take_float(fields, name, option, context, field);
        break;
    case TT_SAMPLING_WHOLE:
        take_whole(fields, name, option, context, field);
        break;
    case TT_SAMPLING_FLAG:
        tt_take_bool(fields, name, field);
        break;
    case TT_SAMPLING_TEXT:
        take_text(fields, name, kept, field);
        break;
    case TT_SAMPLING_NAMES:
        if (yyjson_is_str(tt_fields_get(fields, name)))
            take_text(fields, name, kept, &request->sampling.letters);
        else
            take_names(fields, name, kept, field);
        break;
    case TT_SAMPLING_TEXTS:
        take_texts(fields, name, kept, field);
        break;
    }
}

void tt_request_try_sampling(tt_fields *fields, const char *name, const tt_sampling *sampling, const tt_model *model) {
    if (!fields->ok) return;
    tt_error err = {0};
    tt_sampler *sampler = tt_sampler_open(model, sampling, &err);
    if (!sampler) tt_fields_refuse_error(fields, name, &err);
    tt_sampler_close(sampler);
}

/* By the other names first: where both are sent, llama.cpp's counts. */
void tt_request_take_sampling(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    request->sampling = tt_sampling_defaults();
    const tt_sampling_option *option;
    for (size_t i = 0; (option = tt_sampling_option_at(i)); i++) {
        if (!option->name) continue;
        for (size_t k = 0; k < sizeof aliases / sizeof *aliases; k++)
            if (!strcmp(aliases[k][1], option->name)) take(fields, aliases[k][0], option, request, world->context);
        take(fields, option->name, option, request, world->context);
    }
    bool draws = true;
    tt_take_bool(fields, "do_sample", &draws); /* text-generation-webui's, as Transformers has it */
    if (!draws) request->sampling.temperature = 0;
    tt_sampling without = request->sampling;
    without.grammar = NULL;
    if (tt_fields_get(fields, "samplers")) tt_request_try_sampling(fields, "samplers", &without, world->model);
    if (request->sampling.grammar) tt_request_try_sampling(fields, "grammar", &request->sampling, world->model);
    tt_request_take_biases(fields, request, world);
}
