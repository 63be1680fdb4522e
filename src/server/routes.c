/* routes.c: what each path answers. */
#include "base/json.h"
#include "server/fields.h"
#include "server/internal.h"

#include <stdlib.h>
#include <string.h>

/* clang-format takes the path for a formula. */
/* clang-format off */
static const unsigned char page[] = {
#embed <web/trimtab.html>
};
/* clang-format on */

static const char *body_of(const tt_exchange *exchange) { return exchange->body.data ? exchange->body.data : ""; }

static enum MHD_Result get_page(tt_exchange *exchange) { return tt_reply_page(exchange, page, sizeof page); }

static enum MHD_Result get_health(tt_exchange *exchange) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "status", "ok");
    return tt_reply_json(exchange, 200, doc);
}

static enum MHD_Result get_metrics(tt_exchange *exchange) {
    tt_text text = {0};
    tt_metrics_write(&exchange->server->metrics, tt_scheduler_slots(exchange->server->scheduler), &text);
    return tt_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}

/* ==== Models, axes, the default mix ==== */

static enum MHD_Result get_models(tt_exchange *exchange) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "object", "list");
    tt_mixes_describe_models(exchange->server->mixes, doc, yyjson_mut_obj_add_arr(doc, root, "data"),
                             exchange->server->created);
    return tt_reply_json(exchange, 200, doc);
}

static enum MHD_Result get_model(tt_exchange *exchange) {
    const char *wanted = exchange->path + strlen("/v1/models/");
    yyjson_mut_doc *doc = tt_json_new();
    yyjson_mut_val *list = yyjson_mut_arr(doc), *model;
    tt_mixes_describe_models(exchange->server->mixes, doc, list, exchange->server->created);
    size_t index, count;
    yyjson_mut_arr_foreach(list, index, count, model) {
        if (!yyjson_mut_equals_str(yyjson_mut_obj_get(model, "id"), wanted)) continue;
        yyjson_mut_doc_set_root(doc, model);
        return tt_reply_json(exchange, 200, doc);
    }
    if (!tt_json_complete(doc)) return tt_reply_json(exchange, 200, doc); /* which says so */
    yyjson_mut_doc_free(doc);
    tt_refusal refusal = {0};
    tt_refuse(&refusal, 404, "model", "there is no model of this name here");
    return tt_reply_refusal(exchange, &refusal);
}

static enum MHD_Result get_axes(tt_exchange *exchange) {
    const tt_model_facts *facts = tt_model_facts_of(exchange->server->model);
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(doc, root, "model");
    yyjson_mut_obj_add_str(doc, model, "id", exchange->server->model_name);
    yyjson_mut_obj_add_str(doc, model, "name", facts->name);
    yyjson_mut_obj_add_str(doc, model, "description", facts->description);
    yyjson_mut_obj_add_uint(doc, model, "blocks", facts->blocks);
    yyjson_mut_obj_add_bool(doc, model, "chat", exchange->server->world.chat != NULL);
    tt_mixes_describe_axes(exchange->server->mixes, doc, root);
    tt_mixes_describe_default(exchange->server->mixes, doc, yyjson_mut_obj_add_obj(doc, root, "default"));
    return tt_reply_json(exchange, 200, doc);
}

static enum MHD_Result get_steering(tt_exchange *exchange) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    tt_mixes_describe_default(exchange->server->mixes, doc, root);
    return tt_reply_json(exchange, 200, doc);
}

static enum MHD_Result post_steering(tt_exchange *exchange) {
    tt_refusal refusal = {0};
    tt_fields fields;
    yyjson_doc *doc = tt_fields_parse(&fields, body_of(exchange), exchange->body.length, &refusal);
    if (!doc) return tt_reply_refusal(exchange, &refusal);
    yyjson_val *steering = tt_fields_get(&fields, "steering");
    bool ok =
        steering || tt_refuse(&refusal, 400, "steering", "'steering' is missing: an object of axes and values, {} for none");
    ok = ok && tt_mixes_set_default(exchange->server->mixes, steering, &refusal);
    yyjson_doc_free(doc);
    return ok ? get_steering(exchange) : tt_reply_refusal(exchange, &refusal);
}

/* ==== Text ==== */

static enum MHD_Result post_tokenize(tt_exchange *exchange) {
    tt_refusal refusal = {0};
    tt_error err = {0};
    tt_fields fields;
    tt_tokens tokens = {0};
    yyjson_doc *doc = tt_fields_parse(&fields, body_of(exchange), exchange->body.length, &refusal);
    if (!doc) return tt_reply_refusal(exchange, &refusal);
    const char *content = NULL;
    tt_take_text(&fields, "content", &content);
    if (!content) tt_fields_refuse(&fields, "content", "'content' is missing: the text to take apart");
    if (content && fields.ok && !tt_tokenize(exchange->server->model, content, strlen(content), &tokens, &err))
        tt_fields_refuse_error(&fields, "content", &err);
    yyjson_doc_free(doc);
    if (!fields.ok) return tt_reply_refusal(exchange, &refusal);
    yyjson_mut_val *root;
    yyjson_mut_doc *answer = tt_json_object(&root);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(answer, root, "tokens");
    for (size_t i = 0; i < tokens.count; i++) yyjson_mut_arr_add_int(answer, list, tokens.ids[i]);
    tt_tokens_free(&tokens);
    return tt_reply_json(exchange, 200, answer);
}

static enum MHD_Result write_text(tt_exchange *exchange, bool chat) {
    tt_refusal refusal = {0};
    tt_request request;
    tt_error err = {0};
    if (!tt_request_parse(&request, &exchange->server->world, chat, body_of(exchange), exchange->body.length, &refusal))
        return tt_reply_refusal(exchange, &refusal);
    tt_text_free(&exchange->body);
    tt_job *job = tt_job_make(&request, exchange->server->model, &err);
    if (job) return tt_begin_job(exchange, job);
    tt_request_free(&request);
    tt_refuse_error(&refusal, "", &err);
    return tt_reply_refusal(exchange, &refusal);
}

static enum MHD_Result post_chat(tt_exchange *exchange) { return write_text(exchange, true); }
static enum MHD_Result post_completion(tt_exchange *exchange) { return write_text(exchange, false); }

/* ==== The table ==== */

static const tt_route routes[] = {
    {"GET", "/", .open = true, .handle = get_page},
    {"GET", "/health", .open = true, .handle = get_health},
    {"GET", "/metrics", .handle = get_metrics},
    {"GET", "/v1/models", .handle = get_models},
    {"GET", "/v1/models/", .prefix = true, .handle = get_model},
    {"GET", "/v1/axes", .handle = get_axes},
    {"GET", "/v1/steering", .handle = get_steering},
    {"POST", "/v1/steering", .handle = post_steering},
    {"POST", "/v1/chat/completions", .handle = post_chat},
    {"POST", "/v1/completions", .handle = post_completion},
    {"POST", "/tokenize", .handle = post_tokenize},
};

const tt_route *tt_route_find(const char *method, const char *path, const char **allowed) {
    if (!strcmp(method, "HEAD")) method = "GET"; /* libmicrohttpd leaves the body out */
    *allowed = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const tt_route *route = &routes[i];
        const bool here = route->prefix ? !strncmp(path, route->path, strlen(route->path)) : !strcmp(path, route->path);
        if (!here) continue;
        if (!strcmp(route->method, method)) return route;
        const char *own = !strcmp(route->method, "GET") ? "GET, HEAD" : "POST";
        *allowed = *allowed ? "GET, HEAD, POST" : own;
    }
    return NULL;
}
