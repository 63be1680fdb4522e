/* request.c: see request.h */
#include "server/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/token.h"
#include "server/fields.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t tt_request_answers(const tt_request *request) { return request->prompt_count * request->choices; }

void tt_request_free(tt_request *request) {
    for (size_t i = 0; i < request->prompt_count; i++) {
        if (request->prompts) tt_tokens_free(&request->prompts[i]);
        if (request->prompt_texts) free(request->prompt_texts[i]);
    }
    free(request->prompts);
    free(request->prompt_texts);
    for (size_t i = 0; i < request->stop_count; i++) free(request->stops[i]);
    free(request->biases);
    free(request->model);
    free(request->mix);
    tt_thinking_free(&request->thinking);
    tt_shared_steering_release(request->steering);
    *request = (tt_request){0};
}

/* ==== How to sample ==== */

/* One number of the sampling options: its names (OpenAI's, or llama.cpp's where OpenAI has none) and its limits. */
typedef struct number {
    const char *name;
    size_t offset; /* of a float in tt_sampling */
    double least, most;
} number;

#define FLOAT(name, member, least, most) {name, offsetof(tt_sampling, member), least, most}
static const number floats[] = {
    FLOAT("temperature", temperature, 0, 100),
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
    FLOAT("top_k", top_k, 0, INT32_MAX),
    FLOAT("repeat_last_n", repeat_last_n, 0, 1 << 20),
    FLOAT("dry_allowed_length", dry_allowed_length, 0, 1 << 20),
    FLOAT("dry_penalty_last_n", dry_last_n, 0, 1 << 20),
    FLOAT("mirostat", mirostat, 0, 2),
};
#undef FLOAT

/* {"15043": -100, ...}: a token's number, and what is added to its logit. */
static void take_biases(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    yyjson_val *object = tt_fields_get(fields, "logit_bias"), *key, *value;
    if (!object || !fields->ok) return;
    if (!yyjson_is_obj(object) || yyjson_obj_size(object) > TT_BIASES_MOST) {
        tt_fields_refuse(fields, "logit_bias", "'logit_bias' should be an object of at most %d tokens and numbers",
                         TT_BIASES_MOST);
        return;
    }
    tt_error err = {0};
    request->biases = tt_alloc(yyjson_obj_size(object), sizeof *request->biases, &err);
    if (!request->biases) {
        tt_fields_refuse_error(fields, "logit_bias", &err);
        return;
    }
    size_t index, count;
    yyjson_obj_foreach(object, index, count, key, value) {
        char *end;
        const long token = strtol(yyjson_get_str(key), &end, 10);
        const double bias = yyjson_get_num(value);
        if (end == yyjson_get_str(key) || *end || token < 0 || (size_t)token >= tt_vocabulary_size(world->model))
            tt_fields_refuse(fields, "logit_bias", "'logit_bias' names '%.40s', which is no token of this model (0 to %zu)",
                             yyjson_get_str(key), tt_vocabulary_size(world->model) - 1);
        else if (!yyjson_is_num(value) || !(fabs(bias) <= 1000))
            tt_fields_refuse(fields, "logit_bias", "'logit_bias' of token %ld should be a number between -1000 and 1000",
                             token);
        if (!fields->ok) return;
        /* OpenAI: -100 and 100 should mean a ban or the only choice. */
        request->biases[request->sampling.bias_count++] =
            (tt_logit_bias){(int32_t)token, bias <= -100 ? -INFINITY : (float)bias};
    }
    request->sampling.biases = request->biases;
}

static void take_sampling(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    tt_sampling *sampling = &request->sampling;
    *sampling = tt_sampling_defaults();
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        tt_take_float(fields, floats[i].name, floats[i].least, floats[i].most,
                      (float *)(void *)((char *)sampling + floats[i].offset));
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        tt_take_int32(fields, wholes[i].name, (int64_t)wholes[i].least, (int64_t)wholes[i].most,
                      (int32_t *)(void *)((char *)sampling + wholes[i].offset));
    tt_take_whole(fields, "seed", TT_SEED_RANDOM, (int64_t)UINT32_MAX - 1, &sampling->seed);
    tt_take_bool(fields, "ignore_eos", &sampling->ignore_end);
    take_biases(fields, request, world);
}

/* ==== When to stop, and what to tell ==== */

static void add_stop(tt_fields *fields, tt_request *request, yyjson_val *text) {
    if (!fields->ok) return;
    const size_t length = yyjson_get_len(text);
    if (!yyjson_is_str(text) || length == 0 || length > 256 || strlen(yyjson_get_str(text)) != length)
        tt_fields_refuse(fields, "stop", "'stop' should be text of 1 to 256 bytes, or a list of such texts");
    else if (!(request->stops[request->stop_count] = tt_strdup(yyjson_get_str(text), NULL)))
        tt_fields_refuse_error(fields, "stop", &(tt_error){TT_ERROR_MEMORY, "out of memory"});
    else
        request->stop_count++;
}

static void take_stops(tt_fields *fields, tt_request *request) {
    yyjson_val *stop = tt_fields_get(fields, "stop"), *text;
    if (!stop) return;
    if (!yyjson_is_arr(stop)) {
        add_stop(fields, request, stop);
        return;
    }
    if (yyjson_arr_size(stop) > TT_STOPS_MOST) {
        tt_fields_refuse(fields, "stop", "'stop' has %zu texts, but at most %d are possible", yyjson_arr_size(stop),
                         TT_STOPS_MOST);
        return;
    }
    size_t index, count;
    yyjson_arr_foreach(stop, index, count, text) add_stop(fields, request, text);
}

/* The two endpoints ask for log-probabilities in different ways. */
static void take_top_tokens(tt_fields *fields, tt_request *request) {
    int64_t count = -1;
    if (request->chat) {
        bool wanted = false;
        tt_take_bool(fields, "logprobs", &wanted);
        if (wanted) count = 0;
        int64_t top = 0;
        tt_take_whole(fields, "top_logprobs", 0, TT_TOP_TOKENS_MOST, &top);
        if (wanted) count = top;
        if (!wanted && top) tt_fields_refuse(fields, "top_logprobs", "'top_logprobs' needs 'logprobs' to be true");
    } else {
        tt_take_whole(fields, "logprobs", 0, TT_TOP_TOKENS_MOST, &count);
    }
    request->top_tokens = (int)count;
}

static void take_limit(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    static const char *const names[] = {"n_predict", "max_tokens", "max_completion_tokens"};
    int64_t limit = -1;
    for (size_t i = 0; i < 3; i++) tt_take_whole(fields, names[i], i == 0 ? -1 : 0, INT32_MAX, &limit);
    request->limit = world->limit >= 0 && (limit < 0 || limit > world->limit) ? world->limit : limit;
}

/* What OpenAI's API has and this server has not: better refused than silently left out. */
static void refuse_unsupported(tt_fields *fields) {
    static const char *const lists[] = {"tools", "functions"};
    for (size_t i = 0; i < 2; i++) {
        yyjson_val *value = tt_fields_get(fields, lists[i]);
        if (value && !(yyjson_is_arr(value) && yyjson_arr_size(value) == 0))
            tt_fields_refuse(fields, lists[i], "'%s' is not supported: this server writes text", lists[i]);
    }
    yyjson_val *format = tt_fields_get(fields, "response_format");
    const char *type = yyjson_get_str(yyjson_obj_get(format, "type"));
    if (format && !(type && !strcmp(type, "text")))
        tt_fields_refuse(fields, "response_format", "'response_format' can only be {\"type\": \"text\"} here");
    if (tt_fields_get(fields, "suffix")) tt_fields_refuse(fields, "suffix", "'suffix' is not supported");
    int64_t best = 1;
    tt_take_whole(fields, "best_of", 1, INT32_MAX, &best);
    if (best > 1) tt_fields_refuse(fields, "best_of", "'best_of' is not supported; use 'n'");
}

static void take_stream(tt_fields *fields, tt_request *request) {
    tt_take_bool(fields, "stream", &request->stream);
    yyjson_val *options = tt_fields_get(fields, "stream_options");
    if (!options) return;
    tt_fields inner = {options, fields->refusal, fields->ok};
    if (!yyjson_is_obj(options))
        tt_fields_refuse(fields, "stream_options", "'stream_options' should be an object, but is %s", tt_json_kind(options));
    else
        tt_take_bool(&inner, "include_usage", &request->include_usage);
    fields->ok = fields->ok && inner.ok;
}

/* ==== Prompts ==== */

static bool room_for_prompts(tt_fields *fields, tt_request *request, size_t count) {
    tt_error err = {0};
    request->prompts = tt_alloc(count, sizeof *request->prompts, &err);
    request->prompt_texts = tt_alloc(count, sizeof *request->prompt_texts, &err);
    if (!request->prompts || !request->prompt_texts) tt_fields_refuse_error(fields, "", &err);
    return fields->ok;
}

static void check_length(tt_fields *fields, const tt_request_world *world, const char *name, size_t count) {
    if (count == 0) tt_fields_refuse(fields, name, "'%s' is empty: there is nothing to go on from", name);
    if (count >= world->context)
        tt_fields_refuse(fields, name, "'%s' has %zu tokens, but prompt and answer together have room for %u", name, count,
                         world->context);
}

static void add_prompt_text(tt_fields *fields, tt_request *request, const tt_request_world *world, const char *name,
                            const char *text, size_t length) {
    if (!fields->ok) return;
    tt_error err = {0};
    const size_t i = request->prompt_count++;
    if (!tt_tokenize(world->model, text, length, &request->prompts[i], &err))
        tt_fields_refuse_error(fields, name, &err);
    else if (request->echo && !(request->prompt_texts[i] = tt_strndup(text, length, &err)))
        tt_fields_refuse_error(fields, name, &err);
    else
        check_length(fields, world, name, request->prompts[i].count);
}

/* [1, 22, 333]: tokens instead of text. */
static void add_prompt_tokens(tt_fields *fields, tt_request *request, const tt_request_world *world, yyjson_val *list) {
    if (!fields->ok) return;
    const size_t total = yyjson_arr_size(list);
    tt_error err = {0};
    tt_tokens *tokens = &request->prompts[request->prompt_count++];
    tokens->ids = tt_alloc(total, sizeof *tokens->ids, &err);
    if (!tokens->ids) tt_fields_refuse_error(fields, "prompt", &err);
    check_length(fields, world, "prompt", total);
    yyjson_val *token;
    size_t index, count;
    yyjson_arr_foreach(list, index, count, token) {
        if (!fields->ok) return;
        const uint64_t id = yyjson_get_uint(token);
        if (!yyjson_is_uint(token) || id >= tt_vocabulary_size(world->model))
            tt_fields_refuse(fields, "prompt",
                             "'prompt' should be text, or tokens of this model: whole numbers from 0 to %zu",
                             tt_vocabulary_size(world->model) - 1);
        else
            tokens->ids[tokens->count++] = (int32_t)id;
    }
}

/* Text, tokens, or a list of either. */
static void take_prompts(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    tt_take_bool(fields, "echo", &request->echo);
    yyjson_val *prompt = tt_fields_get(fields, "prompt"), *entry;
    const bool many = yyjson_is_arr(prompt) && !yyjson_is_num(yyjson_arr_get_first(prompt));
    const size_t entries = many ? yyjson_arr_size(prompt) : 1;
    if (!yyjson_is_str(prompt) && !yyjson_is_arr(prompt))
        tt_fields_refuse(fields, "prompt", "'prompt' should be text, tokens, or a list of these, but is %s",
                         prompt ? tt_json_kind(prompt) : "missing");
    if (entries == 0 || entries > TT_CHOICES_MOST)
        tt_fields_refuse(fields, "prompt", "'prompt' should have 1 to %d entries, but has %zu", TT_CHOICES_MOST, entries);
    if (!fields->ok || !room_for_prompts(fields, request, entries)) return;
    if (yyjson_is_str(prompt)) {
        add_prompt_text(fields, request, world, "prompt", yyjson_get_str(prompt), yyjson_get_len(prompt));
    } else if (!many) {
        add_prompt_tokens(fields, request, world, prompt);
    } else {
        size_t index, count;
        yyjson_arr_foreach(prompt, index, count, entry) {
            if (yyjson_is_str(entry))
                add_prompt_text(fields, request, world, "prompt", yyjson_get_str(entry), yyjson_get_len(entry));
            else if (yyjson_is_arr(entry))
                add_prompt_tokens(fields, request, world, entry);
            else
                tt_fields_refuse(fields, "prompt", "'prompt' should be text, tokens, or a list of these");
            if (!fields->ok) return;
        }
    }
}

/* The conversation as the model's template has it: all that the request says of it, or for libllama's layouts the texts. */
static void add_conversation(tt_fields *fields, tt_request *request, const tt_request_world *world,
                             const tt_message *messages, size_t count) {
    tt_error err = {0};
    tt_rendered rendered = {0};
    const size_t i = request->prompt_count++;
    const bool ok = (tt_chat_runs(world->chat) ? tt_chat_render_request(world->chat, fields->object, &rendered, &err)
                                               : tt_chat_render_whole(world->chat, messages, count, &rendered, &err)) &&
                    tt_thinking_of(world->chat, &rendered, &request->thinking, &err) &&
                    tt_chat_tokenize(world->chat, rendered.prompt, &request->prompts[i], &err);
    tt_rendered_free(&rendered);
    if (ok)
        check_length(fields, world, "messages", request->prompts[i].count);
    else
        tt_fields_refuse_error(fields, "messages", &err);
}

/* A message's text: a string, or a list of parts {"type": "text", "text": "..."}. NULL when refused; the caller frees. */
static char *message_text(tt_fields *fields, const char *name, yyjson_val *content) {
    tt_text text = {0};
    yyjson_val *part;
    size_t index, count;
    if (yyjson_is_str(content)) {
        tt_text_add_bytes(&text, yyjson_get_str(content), yyjson_get_len(content));
    } else if (yyjson_is_arr(content)) {
        yyjson_arr_foreach(content, index, count, part) {
            const char *type = yyjson_get_str(yyjson_obj_get(part, "type"));
            yyjson_val *words = yyjson_obj_get(part, "text");
            if (!type || strcmp(type, "text") != 0 || !yyjson_is_str(words))
                tt_fields_refuse(fields, name, "'%s' can only have parts of text", name);
            else {
                if (index) tt_text_add(&text, "\n");
                tt_text_add_bytes(&text, yyjson_get_str(words), yyjson_get_len(words));
            }
        }
    } else {
        tt_fields_refuse(fields, name, "'%s' should be text, but is %s", name, content ? tt_json_kind(content) : "missing");
    }
    if (text.data && strlen(text.data) != text.length) tt_fields_refuse(fields, name, "'%s' has a zero byte in it", name);
    tt_error err = {0};
    char *taken = fields->ok ? tt_text_take(&text, &err) : NULL;
    if (fields->ok && !taken && err.kind != TT_ERROR_NONE) tt_fields_refuse_error(fields, name, &err);
    tt_text_free(&text);
    return taken;
}

static const char *message_role(tt_fields *fields, size_t index, yyjson_val *message) {
    static const char *const known[] = {"system", "user", "assistant"};
    char name[64];
    snprintf(name, sizeof name, "messages[%zu].role", index);
    const char *role = yyjson_get_str(yyjson_obj_get(message, "role"));
    if (role && !strcmp(role, "developer")) return "system"; /* OpenAI's newer word for it */
    for (size_t i = 0; i < 3; i++)
        if (role && !strcmp(role, known[i])) return known[i];
    tt_fields_refuse(fields, name, "'%s' should be \"system\", \"user\" or \"assistant\"", name);
    return NULL;
}

static void take_messages(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    yyjson_val *list = tt_fields_get(fields, "messages"), *message;
    const size_t total = yyjson_arr_size(list);
    if (!yyjson_is_arr(list) || total == 0)
        tt_fields_refuse(fields, "messages", "'messages' should be a list of at least one message, but is %s",
                         total == 0 && list ? "empty"
                         : list             ? tt_json_kind(list)
                                            : "missing");
    if (!world->chat) tt_fields_refuse(fields, "messages", "this model has no chat template; use /v1/completions");
    if (!fields->ok || !room_for_prompts(fields, request, 1)) return;
    tt_error err = {0};
    tt_message *messages = tt_alloc(total, sizeof *messages, &err);
    char **texts = tt_alloc(total, sizeof *texts, &err);
    if (!messages || !texts) tt_fields_refuse_error(fields, "messages", &err);
    size_t index, count;
    yyjson_arr_foreach(list, index, count, message) {
        if (!fields->ok) break;
        char name[64];
        snprintf(name, sizeof name, "messages[%zu].content", index);
        messages[index].role = message_role(fields, index, message);
        texts[index] = message_text(fields, name, yyjson_obj_get(message, "content"));
        messages[index].content = texts[index];
    }
    if (fields->ok) add_conversation(fields, request, world, messages, total);
    for (size_t i = 0; texts && i < total; i++) free(texts[i]);
    free(texts);
    free(messages);
}

/* ==== The whole ==== */

/* Which mix: the field "steering", else what follows '@' in the model's name or the preset it names, else the server's own.
 */
static void take_mix(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    const char *model = NULL;
    tt_take_text(fields, "model", &model);
    if (!fields->ok) return;
    tt_error err = {0};
    request->model = tt_strdup(model && *model ? model : world->model_name, &err);
    if (!request->model) {
        tt_fields_refuse_error(fields, "model", &err);
        return;
    }
    yyjson_val *steering = tt_fields_get(fields, "steering");
    fields->ok = tt_mixes_choose(world->mixes, model, steering, &request->mix, &request->steering, fields->refusal);
}

bool tt_request_parse(tt_request *request, const tt_request_world *world, bool chat, const char *body, size_t length,
                      tt_refusal *refusal) {
    *request = (tt_request){.chat = chat};
    tt_fields fields;
    yyjson_doc *doc = tt_fields_parse(&fields, body, length, refusal);
    if (!doc) return false;
    int64_t choices = 1;
    tt_take_whole(&fields, "n", 1, TT_CHOICES_MOST, &choices);
    request->choices = (uint32_t)choices;
    take_stream(&fields, request);
    take_limit(&fields, request, world);
    take_stops(&fields, request);
    take_top_tokens(&fields, request);
    refuse_unsupported(&fields);
    if (fields.ok) take_sampling(&fields, request, world);
    if (fields.ok) take_mix(&fields, request, world);
    if (fields.ok && chat) take_messages(&fields, request, world);
    if (fields.ok && !chat) take_prompts(&fields, request, world);
    if (tt_request_answers(request) > TT_CHOICES_MOST)
        tt_fields_refuse(&fields, "n", "%zu answers at once are too many: at most %d", tt_request_answers(request),
                         TT_CHOICES_MOST);
    yyjson_doc_free(doc);
    if (!fields.ok) tt_request_free(request);
    return fields.ok;
}
