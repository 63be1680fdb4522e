/* llama.c: what llama.cpp's server has besides OpenAI's API: its state, its settings, tokens. vLLM's forms of the same are
 * understood too. */
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/token.h"
#include "server/protocols/all.h"

#include <stdlib.h>
#include <string.h>

/* ==== State and settings ==== */

static bool get_health(tt_exchange *exchange) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "status", "ok");
    return tt_reply_json(exchange, 200, doc);
}

/* The sampling that requests get who ask for none. */
static void add_sampling(yyjson_mut_doc *doc, yyjson_mut_val *settings) {
    const tt_sampling s = tt_sampling_defaults();
    yyjson_mut_val *params = yyjson_mut_obj_add_obj(doc, settings, "params");
    yyjson_mut_obj_add_real(doc, params, "temperature", (double)s.temperature);
    yyjson_mut_obj_add_int(doc, params, "top_k", s.top_k);
    yyjson_mut_obj_add_real(doc, params, "top_p", (double)s.top_p);
    yyjson_mut_obj_add_real(doc, params, "min_p", (double)s.min_p);
    yyjson_mut_obj_add_real(doc, params, "repeat_penalty", (double)s.repeat_penalty);
    yyjson_mut_obj_add_int(doc, params, "repeat_last_n", s.repeat_last_n);
    yyjson_mut_obj_add_int(doc, params, "n_predict", -1);
}

static bool get_props(tt_exchange *exchange) {
    const tt_service *service = exchange->service;
    const tt_model_facts *facts = tt_model_facts_of(service->model);
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *settings = yyjson_mut_obj_add_obj(doc, root, "default_generation_settings");
    yyjson_mut_obj_add_uint(doc, settings, "n_ctx", service->world.context);
    add_sampling(doc, settings);
    yyjson_mut_obj_add_uint(doc, root, "total_slots", tt_scheduler_slots(service->scheduler));
    yyjson_mut_obj_add_str(doc, root, "model_alias", service->model_name);
    yyjson_mut_obj_add_str(doc, root, "model_path", service->model_name); /* its file is nobody's business */
    yyjson_mut_obj_add_str(doc, root, "chat_template", facts->chat_template ? facts->chat_template : "");
    yyjson_mut_val *modalities = yyjson_mut_obj_add_obj(doc, root, "modalities");
    yyjson_mut_obj_add_bool(doc, modalities, "vision", false);
    yyjson_mut_obj_add_bool(doc, modalities, "audio", false);
    yyjson_mut_obj_add_str(doc, root, "build_info", "trimtab " TRIMTAB_VERSION);
    return tt_reply_json(exchange, 200, doc);
}

/* ==== Tokens ==== */

/* A token's bytes as text, or as a list of numbers where they are no whole characters. */
static void add_piece(const tt_model *model, int32_t token, yyjson_mut_doc *doc, yyjson_mut_val *entry) {
    char bytes[TT_TOKEN_BYTES];
    const size_t length = tt_token_bytes(model, token, true, bytes);
    if (tt_utf8_valid(bytes, length, NULL)) {
        yyjson_mut_obj_add_strncpy(doc, entry, "piece", bytes, length);
        return;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, entry, "piece");
    for (size_t i = 0; i < length; i++) yyjson_mut_arr_add_uint(doc, list, (unsigned char)bytes[i]);
}

/* The conversation in "messages" as it reads. The caller frees; NULL when refused. */
static char *render_plainly(tt_fields *fields, const tt_request_world *world) {
    tt_rendered rendered;
    tt_error err = {0};
    if (!tt_request_render(fields, world, &rendered)) return NULL;
    char *text = tt_chat_plain(world->chat, rendered.prompt, &err);
    if (!text) tt_fields_refuse_error(fields, "messages", &err);
    tt_rendered_free(&rendered);
    return text;
}

/* What is to be taken apart: llama.cpp's "content", vLLM's "prompt" or "messages". The caller frees; NULL when refused. */
static char *take_text(tt_fields *fields, const tt_request_world *world, bool *add, bool *parse) {
    const char *content = NULL, *prompt = NULL;
    tt_take_text(fields, "content", &content);
    tt_take_text(fields, "prompt", &prompt);
    *add = *parse = true;
    tt_take_bool(fields, "add_special", add);
    tt_take_bool(fields, "add_special_tokens", add);
    tt_take_bool(fields, "parse_special", parse);
    if (!content) content = prompt;
    if (!content && tt_fields_get(fields, "messages")) return render_plainly(fields, world);
    if (!content) tt_fields_refuse(fields, "content", "'content' is missing: the text to take apart");
    tt_error err = {0};
    char *copy = fields->ok ? tt_strdup(content, &err) : NULL;
    if (fields->ok && !copy) tt_fields_refuse_error(fields, "content", &err);
    return copy;
}

static bool tokenize(const tt_model *model, const char *text, bool add, bool parse, tt_tokens *tokens, tt_error *err) {
    if (add && parse) return tt_tokenize(model, text, strlen(text), tokens, err);
    return tt_tokenize_part(model, text, strlen(text), add, parse, tokens, err);
}

static bool reply_tokens(tt_exchange *exchange, const tt_tokens *tokens, bool pieces) {
    const tt_service *service = exchange->service;
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_uint(doc, root, "count", tokens->count);
    yyjson_mut_obj_add_uint(doc, root, "max_model_len", service->world.context);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "tokens");
    for (size_t i = 0; i < tokens->count; i++) {
        if (!pieces) {
            yyjson_mut_arr_add_int(doc, list, tokens->ids[i]);
            continue;
        }
        yyjson_mut_val *entry = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_int(doc, entry, "id", tokens->ids[i]);
        add_piece(service->model, tokens->ids[i], doc, entry);
    }
    return tt_reply_json(exchange, 200, doc);
}

static bool post_tokenize(tt_exchange *exchange) {
    const tt_request_world *world = &exchange->service->world;
    tt_refusal refusal = {0};
    tt_error err = {0};
    tt_fields fields;
    tt_tokens tokens = {0};
    yyjson_doc *doc = tt_fields_parse(&fields, tt_exchange_body(exchange), exchange->body.length, &refusal);
    if (!doc) return tt_reply_refusal(exchange, &refusal);
    if (!exchange->elsewhere && tt_fields_get(&fields, "messages")) {
        yyjson_doc_free(doc);
        return tt_reply_elsewhere(exchange, post_tokenize);
    }
    bool add, parse, pieces = false;
    tt_take_bool(&fields, "with_pieces", &pieces);
    char *text = take_text(&fields, world, &add, &parse);
    if (text && !tokenize(world->model, text, add, parse, &tokens, &err)) tt_fields_refuse_error(&fields, "content", &err);
    free(text);
    yyjson_doc_free(doc);
    const bool sent = fields.ok ? reply_tokens(exchange, &tokens, pieces) : tt_reply_refusal(exchange, &refusal);
    tt_tokens_free(&tokens);
    return sent;
}

/* [1, 22, 333] as text; what is no UTF-8 in it becomes U+FFFD. */
static void put_together(tt_fields *fields, const tt_model *model, yyjson_val *list, tt_text *text) {
    char bytes[TT_TOKEN_BYTES];
    tt_text raw = {0};
    yyjson_val *item;
    size_t index, count;
    yyjson_arr_foreach(list, index, count, item) {
        const uint64_t id = yyjson_get_uint(item);
        if (!yyjson_is_uint(item) || id >= tt_vocabulary_size(model)) {
            tt_fields_refuse(fields, "tokens", "'tokens' should be tokens of this model: whole numbers from 0 to %zu",
                             tt_vocabulary_size(model) - 1);
            break;
        }
        tt_text_add_bytes(&raw, bytes, tt_token_bytes(model, (int32_t)id, true, bytes));
    }
    tt_text_add(text, "");
    tt_text_add_utf8(text, raw.data ? raw.data : "", raw.length);
    text->failed = text->failed || raw.failed;
    tt_text_free(&raw);
}

static bool post_detokenize(tt_exchange *exchange) {
    tt_refusal refusal = {0};
    tt_error err = {0};
    tt_fields fields;
    tt_text text = {0};
    yyjson_doc *doc = tt_fields_parse(&fields, tt_exchange_body(exchange), exchange->body.length, &refusal);
    if (!doc) return tt_reply_refusal(exchange, &refusal);
    yyjson_val *list = tt_fields_get(&fields, "tokens");
    if (!yyjson_is_arr(list)) tt_fields_refuse(&fields, "tokens", "'tokens' should be a list of tokens");
    if (fields.ok) put_together(&fields, exchange->service->model, list, &text);
    if (fields.ok && !tt_text_ok(&text, &err)) tt_fields_refuse_error(&fields, "tokens", &err);
    yyjson_doc_free(doc);
    if (fields.ok) {
        yyjson_mut_val *root;
        yyjson_mut_doc *answer = tt_json_object(&root);
        yyjson_mut_obj_add_strncpy(answer, root, "content", text.data, text.length); /* llama.cpp's */
        yyjson_mut_obj_add_strncpy(answer, root, "prompt", text.data, text.length);  /* vLLM's */
        tt_text_free(&text);
        return tt_reply_json(exchange, 200, answer);
    }
    tt_text_free(&text);
    return tt_reply_refusal(exchange, &refusal);
}

static bool answer_template(tt_exchange *exchange) {
    tt_refusal refusal = {0};
    tt_fields fields;
    yyjson_doc *doc = tt_fields_parse(&fields, tt_exchange_body(exchange), exchange->body.length, &refusal);
    if (!doc) return tt_reply_refusal(exchange, &refusal);
    char *text = render_plainly(&fields, &exchange->service->world);
    yyjson_doc_free(doc);
    if (!text) return tt_reply_refusal(exchange, &refusal);
    yyjson_mut_val *root;
    yyjson_mut_doc *answer = tt_json_object(&root);
    yyjson_mut_obj_add_strcpy(answer, root, "prompt", text);
    free(text);
    return tt_reply_json(exchange, 200, answer);
}

static bool post_template(tt_exchange *exchange) { return tt_reply_elsewhere(exchange, answer_template); }

static const tt_route routes[] = {
    {"GET", "/health", .open = true, .handle = get_health}, {"GET", "/props", .handle = get_props},
    {"POST", "/tokenize", .handle = post_tokenize},         {"POST", "/detokenize", .handle = post_detokenize},
    {"POST", "/apply-template", .handle = post_template},
};

const tt_protocol tt_protocol_llama = {NULL, routes, sizeof routes / sizeof *routes};
