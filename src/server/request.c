/* request.c: see request.h */
#include "server/request.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

size_t tt_request_answers(const tt_request *request) { return request->prompt_count * request->choices; }

bool tt_request_scores_prompts(const tt_request *request) { return request->echo && request->top_tokens >= 0; }

void tt_request_free(tt_request *request) {
    for (size_t i = 0; i < request->prompt_count; i++) {
        if (request->prompts) tt_tokens_free(&request->prompts[i]);
        if (request->prompt_texts) free(request->prompt_texts[i]);
    }
    free(request->prompts);
    free(request->prompt_texts);
    free(request->unspoken);
    for (size_t i = 0; i < request->stop_count; i++) free(request->stops[i]);
    free(request->stops);
    free(request->biases);
    tt_kept_texts_free(&request->sampling_texts);
    free(request->model);
    tt_thinking_free(&request->thinking);
    tt_recipe_release(request->recipe);
    tt_steering_release(request->steering);
    *request = (tt_request){0};
}

/* ==== When to stop ==== */

/* An empty text stops nothing: clients send it for "none". */
static void add_stop(tt_fields *fields, const char *name, tt_request *request, yyjson_val *text) {
    const size_t length = yyjson_get_len(text);
    if (!fields->ok || yyjson_is_null(text) || (yyjson_is_str(text) && length == 0)) return;
    tt_error err = {0};
    if (!yyjson_is_str(text) || length > TT_STOP_BYTES_MOST || strlen(yyjson_get_str(text)) != length)
        tt_fields_refuse(fields, name, "'%s' should be text of at most %d bytes, or a list of such texts", name,
                         TT_STOP_BYTES_MOST);
    else if (!(request->stops[request->stop_count] = tt_strdup(yyjson_get_str(text), &err)))
        tt_fields_refuse_error(fields, name, &err);
    else
        request->stop_count++;
}

static void add_stops(tt_fields *fields, const char *name, tt_request *request) {
    yyjson_val *stop = tt_fields_get(fields, name), *text;
    const size_t count = yyjson_is_arr(stop) ? yyjson_arr_size(stop) : 1;
    if (!stop || !fields->ok || count == 0) return;
    if (count > TT_STOPS_MOST - request->stop_count) {
        tt_fields_refuse(fields, name, "'%s' has %zu texts, but at most %d are possible", name, count, TT_STOPS_MOST);
        return;
    }
    tt_error err = {0};
    if (!tt_resize(&request->stops, request->stop_count + count, sizeof *request->stops, &err)) {
        tt_fields_refuse_error(fields, name, &err);
        return;
    }
    size_t index, total;
    if (yyjson_is_arr(stop)) {
        yyjson_arr_foreach(stop, index, total, text) add_stop(fields, name, request, text);
    } else {
        add_stop(fields, name, request, stop);
    }
}

/* OpenAI's name, and those of other servers. */
static void take_stops(tt_fields *fields, tt_request *request) {
    static const char *const names[] = {"stop", "stop_sequence", "stop_sequences", "stopping_strings"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) add_stops(fields, names[i], request);
}

/* OpenAI's names, llama.cpp's and others'. -1, and -2 of older llama.cpp: no limit; whatever is more than fits is cut by the
 * context.
 */
static void take_limit(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    static const char *const names[] = {"max_length", "max_new_tokens", "n_predict", "max_tokens", "max_completion_tokens"};
    int64_t limit = -1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) tt_take_count(fields, names[i], -2, &limit);
    request->limit = world->limit >= 0 && (limit < 0 || limit > world->limit) ? world->limit : limit;
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

void tt_request_take_frame(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    int64_t choices = 1;
    tt_take_whole(fields, "n", 1, TT_CHOICES_MOST, &choices);
    tt_take_whole(fields, "n_cmpl", 1, TT_CHOICES_MOST, &choices);
    request->choices = (uint32_t)choices;
    take_stream(fields, request);
    take_limit(fields, request, world);
    take_stops(fields, request);
}

/* ==== The mix ==== */

void tt_request_take_mix(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    const char *model = NULL;
    tt_take_text(fields, "model", &model);
    if (!fields->ok) return;
    tt_error err = {0};
    request->model = tt_strdup(model && *model ? model : world->model_name, &err);
    if (!request->model) {
        tt_fields_refuse_error(fields, "model", &err);
        return;
    }
    request->recipe = tt_mixes_choose(world->mixes, model, tt_fields_get(fields, "steering"), fields->refusal);
    fields->ok = request->recipe != NULL;
}
