/* sampling_fields.c: how to sample, from a request's fields. */
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "model/token.h"
#include "server/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One number of the sampling options: its names (OpenAI's, or llama.cpp's where OpenAI has none) and its limits. */
typedef struct number {
    const char *name;
    size_t offset; /* of a float in tt_sampling */
    double least, most;
} number;

#define FLOAT(name, member, least, most) {name, offsetof(tt_sampling, member), least, most}
static const number floats[] = {
    FLOAT("temperature", temperature, -100, 100), /* below 0: as 0 */
    FLOAT("top_p", top_p, 0, 1),
    FLOAT("min_p", min_p, 0, 1),
    FLOAT("typical_p", typical_p, 0, 1),
    FLOAT("top_n_sigma", top_n_sigma, -1, 1e6),
    FLOAT("presence_penalty", presence_penalty, -100, 100),
    FLOAT("frequency_penalty", frequency_penalty, -100, 100),
    FLOAT("repeat_penalty", repeat_penalty, 1e-3, 100),
    FLOAT("xtc_probability", xtc_probability, 0, 1),
    FLOAT("xtc_threshold", xtc_threshold, 0, 1),
    FLOAT("dynatemp_range", dynamic_range, 0, 100),
    FLOAT("dynatemp_exponent", dynamic_exponent, 0, 100),
    FLOAT("dry_multiplier", dry_multiplier, 0, 100),
    FLOAT("dry_base", dry_base, 0, 100),
    FLOAT("mirostat_tau", mirostat_entropy, 0, 100),
    FLOAT("mirostat_eta", mirostat_rate, 0, 100),
};
static const number wholes[] = {
    FLOAT("top_k", top_k, INT32_MIN, INT32_MAX),        /* below 0: off */
    FLOAT("repeat_last_n", repeat_last_n, -1, 1 << 20), /* -1: the whole context */
    FLOAT("dry_allowed_length", dry_allowed_length, 0, 1 << 20),
    FLOAT("dry_penalty_last_n", dry_last_n, -1, 1 << 20), /* likewise */
    FLOAT("mirostat", mirostat, 0, 2),
};
#undef FLOAT

/* Other servers' names for the same. */
static const char *const aliases[][2] = {
    {"repetition_penalty", "repeat_penalty"},
    {"rep_pen", "repeat_penalty"},
    {"rep_pen_range", "repeat_last_n"},
    {"repetition_penalty_range", "repeat_last_n"},
    {"typical", "typical_p"},
    {"mirostat_mode", "mirostat"},
    {"nsigma", "top_n_sigma"},
};

static void take_float(tt_fields *fields, const char *name, const number *n, tt_sampling *sampling) {
    tt_take_float(fields, name, n->least, n->most, (float *)(void *)((char *)sampling + n->offset));
}

static void take_int(tt_fields *fields, const char *name, const number *n, tt_sampling *sampling) {
    tt_take_int32(fields, name, (int64_t)n->least, (int64_t)n->most, (int32_t *)(void *)((char *)sampling + n->offset));
}

/* By the other names first: where both are sent, llama.cpp's counts. */
static void take_numbers(tt_fields *fields, tt_sampling *sampling, const number *numbers, size_t count,
                         void (*take)(tt_fields *, const char *, const number *, tt_sampling *)) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof aliases / sizeof *aliases; k++)
            if (!strcmp(aliases[k][1], numbers[i].name)) take(fields, aliases[k][0], &numbers[i], sampling);
        take(fields, numbers[i].name, &numbers[i], sampling);
    }
}

/* ==== Tokens made likelier or less likely ==== */

static bool room_for_biases(tt_fields *fields, tt_request *request, size_t count) {
    tt_error err = {0};
    if (request->sampling.bias_count + count > TT_BIASES_MOST) {
        tt_fields_refuse(fields, "logit_bias", "'logit_bias' should name at most %d tokens", TT_BIASES_MOST);
        return false;
    }
    if (!request->biases) request->biases = tt_alloc(TT_BIASES_MOST, sizeof *request->biases, &err);
    if (!request->biases) tt_fields_refuse_error(fields, "logit_bias", &err);
    return fields->ok;
}

/* OpenAI: -100 and 100 should mean a ban or the only choice; llama.cpp: false is a ban. */
static void add_bias(tt_fields *fields, tt_request *request, int32_t token, yyjson_val *value) {
    double bias = yyjson_get_num(value);
    bool ok = yyjson_is_num(value) || yyjson_is_false(value);
    if (yyjson_is_str(value)) ok = tt_number_parse(yyjson_get_str(value), &bias);
    if (!ok || !(fabs(bias) <= 1000)) {
        tt_fields_refuse(fields, "logit_bias",
                         "'logit_bias' of token %d should be a number between -1000 and 1000, or false for a ban",
                         (int)token);
        return;
    }
    if (!room_for_biases(fields, request, 1)) return;
    const bool ban = yyjson_is_false(value) || bias <= -100;
    request->biases[request->sampling.bias_count++] = (tt_logit_bias){token, ban ? -INFINITY : (float)bias};
}

static bool is_token(const tt_request_world *world, double id) {
    return id >= 0 && id < (double)tt_vocabulary_size(world->model) && id == trunc(id);
}

static void refuse_token(tt_fields *fields, const tt_request_world *world, const char *field, const char *name) {
    tt_fields_refuse(fields, field, "'%s' names '%.40s', which is no token of this model (0 to %zu)", field, name,
                     tt_vocabulary_size(world->model) - 1);
}

/* {"15043": -100, ...} */
static void add_biases_by_name(tt_fields *fields, tt_request *request, const tt_request_world *world, yyjson_val *object) {
    yyjson_val *key, *value;
    size_t index, count;
    yyjson_obj_foreach(object, index, count, key, value) {
        char *end;
        const char *name = yyjson_get_str(key);
        const long token = strtol(name, &end, 10);
        if (!fields->ok) return;
        if (end == name || *end || !is_token(world, (double)token))
            refuse_token(fields, world, "logit_bias", name);
        else
            add_bias(fields, request, (int32_t)token, value);
    }
}

/* One of llama.cpp's pairs: [TOKEN, BIAS], or [TEXT, BIAS] for each of the text's tokens. */
static void add_bias_pair(tt_fields *fields, tt_request *request, const tt_request_world *world, yyjson_val *pair) {
    yyjson_val *what = yyjson_arr_get(pair, 0), *value = yyjson_arr_get(pair, 1);
    if (!yyjson_is_arr(pair) || yyjson_arr_size(pair) != 2 || !(yyjson_is_num(what) || yyjson_is_str(what))) {
        tt_fields_refuse(fields, "logit_bias", "'logit_bias' should be an object of tokens and numbers, or a list of pairs");
        return;
    }
    if (yyjson_is_num(what)) {
        if (is_token(world, yyjson_get_num(what)))
            add_bias(fields, request, (int32_t)yyjson_get_num(what), value);
        else
            refuse_token(fields, world, "logit_bias", "a number");
        return;
    }
    tt_tokens tokens = {0};
    tt_error err = {0};
    if (!tt_tokenize_part(world->model, yyjson_get_str(what), yyjson_get_len(what), false, false, &tokens, &err))
        tt_fields_refuse_error(fields, "logit_bias", &err);
    for (size_t i = 0; i < tokens.count && fields->ok; i++) add_bias(fields, request, tokens.ids[i], value);
    tt_tokens_free(&tokens);
}

static void take_biases(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    yyjson_val *given = tt_fields_get(fields, "logit_bias"), *pair;
    size_t index, count;
    if (yyjson_is_obj(given)) {
        add_biases_by_name(fields, request, world, given);
    } else if (yyjson_is_arr(given)) {
        yyjson_arr_foreach(given, index, count, pair) {
            if (fields->ok) add_bias_pair(fields, request, world, pair);
        }
    } else if (given) {
        tt_fields_refuse(fields, "logit_bias", "'logit_bias' should be an object of tokens and numbers, but is %s",
                         tt_json_kind(given));
    }
}

/* text-generation-webui's "1,22,333", or a list of numbers: tokens that are never chosen. */
static void take_bans(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    static const char name[] = "custom_token_bans";
    const char *text = NULL;
    tt_take_text(fields, name, &text);
    while (text && *text && fields->ok) {
        char *end;
        const long token = strtol(text, &end, 10);
        if (end == text || (*end && *end != ',') || !is_token(world, (double)token))
            refuse_token(fields, world, name, text);
        else if (room_for_biases(fields, request, 1))
            request->biases[request->sampling.bias_count++] = (tt_logit_bias){(int32_t)token, -INFINITY};
        text = *end ? end + 1 : end;
    }
}

/* ==== The samplers' order ==== */

/* llama.cpp's "samplers": names in a list, or one letter each in a text. */
static void take_order(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    yyjson_val *given = tt_fields_get(fields, "samplers"), *name;
    if (!given || !fields->ok || yyjson_get_len(given) == 0) return;
    tt_text text = {0};
    size_t index, count;
    yyjson_arr_foreach(given, index, count, name) {
        if (!yyjson_is_str(name)) tt_fields_refuse(fields, "samplers", "'samplers' should be a list of names");
        if (fields->ok) tt_text_addf(&text, "%s%s", index ? ";" : "", yyjson_get_str(name));
    }
    if (yyjson_is_str(given))
        tt_text_add(&text, yyjson_get_str(given));
    else if (!yyjson_is_arr(given))
        tt_fields_refuse(fields, "samplers", "'samplers' should be a list of names, but is %s", tt_json_kind(given));
    tt_error err = {0};
    request->order = fields->ok ? tt_text_take(&text, &err) : NULL;
    tt_text_free(&text);
    if (fields->ok && !request->order) tt_fields_refuse_error(fields, "samplers", &err);
    if (!fields->ok) return;
    *(yyjson_is_str(given) ? &request->sampling.letters : &request->sampling.order) = request->order;
    tt_sampler *tried = tt_sampler_open(world->model, &request->sampling, &err); /* which knows the names */
    if (!tried) tt_fields_refuse_error(fields, "samplers", &err);
    tt_sampler_close(tried);
}

/* ==== All of it ==== */

/* Any whole number is a seed; -1 and llama.cpp's 2^32 - 1 are a random one. */
static void take_seed(tt_fields *fields, tt_sampling *sampling) {
    yyjson_val *given = tt_fields_get(fields, "seed");
    int64_t seed = TT_SEED_RANDOM;
    if (yyjson_is_uint(given) && yyjson_get_uint(given) > INT64_MAX)
        seed = (int64_t)(yyjson_get_uint(given) % UINT32_MAX);
    else
        tt_take_whole(fields, "seed", -INT64_MAX, INT64_MAX, &seed);
    if (seed == UINT32_MAX) seed = TT_SEED_RANDOM;
    if (seed != TT_SEED_RANDOM) seed = (int64_t)((uint64_t)seed % UINT32_MAX);
    sampling->seed = seed;
}

void tt_request_take_sampling(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    tt_sampling *sampling = &request->sampling;
    *sampling = tt_sampling_defaults();
    take_numbers(fields, sampling, floats, sizeof floats / sizeof *floats, take_float);
    take_numbers(fields, sampling, wholes, sizeof wholes / sizeof *wholes, take_int);
    take_seed(fields, sampling);
    tt_take_bool(fields, "ban_eos_token", &sampling->ignore_end);
    tt_take_bool(fields, "ignore_eos", &sampling->ignore_end);
    take_biases(fields, request, world);
    take_bans(fields, request, world);
    sampling->biases = request->biases;
    if (sampling->temperature < 0) sampling->temperature = 0;
    if (sampling->top_k < 0) sampling->top_k = 0;
    if (sampling->repeat_last_n < 0) sampling->repeat_last_n = (int32_t)world->context;
    if (sampling->dry_last_n < 0) sampling->dry_last_n = (int32_t)world->context;
    take_order(fields, request, world);
}
