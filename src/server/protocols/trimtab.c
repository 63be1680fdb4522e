/* trimtab.c: trimtab's own API: axes, the default mix, the page, and what is counted. */
#include "base/json.h"
#include "server/protocols/all.h"

/* clang-format takes the path for a formula. */
/* clang-format off */
static const unsigned char page[] = {
#embed <web/trimtab.html>
};
/* clang-format on */

static bool get_page(tt_exchange *exchange) { return tt_reply_page(exchange, page, sizeof page); }

static bool get_metrics(tt_exchange *exchange) {
    tt_text text = {0};
    tt_metrics_write(&exchange->service->metrics, tt_scheduler_slots(exchange->service->scheduler), &text);
    return tt_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}

static bool get_axes(tt_exchange *exchange) {
    const tt_service *service = exchange->service;
    const tt_model_facts *facts = tt_model_facts_of(service->model);
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *model = yyjson_mut_obj_add_obj(doc, root, "model");
    yyjson_mut_obj_add_str(doc, model, "id", service->model_name);
    yyjson_mut_obj_add_str(doc, model, "name", facts->name);
    yyjson_mut_obj_add_str(doc, model, "description", facts->description);
    yyjson_mut_obj_add_uint(doc, model, "blocks", facts->blocks);
    yyjson_mut_obj_add_bool(doc, model, "chat", service->world.chat != NULL);
    tt_mixes_describe_axes(service->mixes, doc, root);
    tt_mixes_describe_default(service->mixes, doc, yyjson_mut_obj_add_obj(doc, root, "default"));
    return tt_reply_json(exchange, 200, doc);
}

static bool get_steering(tt_exchange *exchange) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    tt_mixes_describe_default(exchange->service->mixes, doc, root);
    return tt_reply_json(exchange, 200, doc);
}

static tt_recipe *recipe_of_body(tt_exchange *exchange, tt_refusal *refusal) {
    tt_fields fields;
    yyjson_doc *doc = tt_fields_parse(&fields, tt_exchange_body(exchange), exchange->body.length, refusal);
    if (!doc) return NULL;
    yyjson_val *steering = tt_fields_get(&fields, "steering");
    if (!steering) tt_refuse(refusal, 400, "steering", "'steering' is missing: an object of axes and values, {} for none");
    tt_recipe *recipe = steering ? tt_mixes_choose(exchange->service->mixes, NULL, steering, refusal) : NULL;
    yyjson_doc_free(doc);
    return recipe;
}

static bool post_steering(tt_exchange *exchange) {
    tt_refusal refusal = {0};
    tt_recipe *recipe = recipe_of_body(exchange, &refusal);
    tt_delivery *delivery = recipe ? tt_dispatch_default(exchange->service, exchange->form, recipe, &refusal) : NULL;
    tt_recipe_release(recipe);
    return delivery ? tt_reply_later(exchange, delivery) : tt_reply_refusal(exchange, &refusal);
}

static const tt_route routes[] = {
    {"GET", "/", .open = true, .handle = get_page},    {"GET", "/metrics", .handle = get_metrics},
    {"GET", "/v1/axes", .handle = get_axes},           {"GET", "/v1/steering", .handle = get_steering},
    {"POST", "/v1/steering", .handle = post_steering},
};

const tt_protocol tt_protocol_trimtab = {NULL, routes, sizeof routes / sizeof *routes};
