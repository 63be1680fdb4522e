/* biases.c: tokens made likelier or less likely, from a request's fields. */
#include "base/memory.h"
#include "base/number.h"
#include "model/token.h"
#include "server/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

void tt_request_take_biases(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    take_biases(fields, request, world);
    take_bans(fields, request, world);
    request->sampling.biases = request->biases;
}
