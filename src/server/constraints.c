/* constraints.c: what an answer must look like, from a request's fields: a JSON schema, some JSON object, one of several
 * texts. In the forms of OpenAI ("response_format"), llama.cpp ("json_schema") and vLLM ("guided_...",
 * "structured_outputs"). All of them become a grammar. */
#include "base/json.h"
#include "base/memory.h"
#include "server/request.h"

#include <stdlib.h>
#include <string.h>

enum { GRAMMAR_MOST = 1 << 18 }; /* bytes: libllama's parser is to be done in a moment */

/* What is asked for; at most one field may ask. */
typedef struct asked {
    const char *field;  /* NULL: nothing is */
    yyjson_val *schema; /* or NULL: */
    yyjson_val *texts;  /* a list, of which the answer is one; or NULL: */
    bool object;        /* any JSON object */
    const char *grammar;
    yyjson_doc *doc; /* what the schema is a part of, where it was sent as text */
} asked;

static bool is_first(tt_fields *fields, const asked *so_far, const char *field) {
    if (so_far->field)
        tt_fields_refuse(fields, field, "'%s' and '%s' both say what the answer must look like: send one", so_far->field,
                         field);
    return fields->ok;
}

/* A schema, which vLLM takes as text too. */
static void ask_schema(tt_fields *fields, asked *a, const char *field, yyjson_val *schema) {
    if (!schema || !is_first(fields, a, field)) return;
    tt_error err = {0};
    a->field = field;
    a->schema = schema;
    if (yyjson_is_str(schema)) {
        a->doc = tt_json_parse(field, yyjson_get_str(schema), yyjson_get_len(schema), &err);
        a->schema = yyjson_doc_get_root(a->doc);
        if (!a->doc) tt_fields_refuse_error(fields, field, &err);
    }
    if (fields->ok && !yyjson_is_obj(a->schema))
        tt_fields_refuse(fields, field, "'%s' should be a JSON schema, but is %s", field, tt_json_kind(a->schema));
}

static void ask_texts(tt_fields *fields, asked *a, const char *field, yyjson_val *texts) {
    if (!texts || !is_first(fields, a, field)) return;
    yyjson_val *item;
    size_t index, count;
    bool ok = yyjson_is_arr(texts) && yyjson_arr_size(texts) > 0;
    yyjson_arr_foreach(texts, index, count, item) {
        ok = ok && yyjson_is_str(item) && strlen(yyjson_get_str(item)) == yyjson_get_len(item);
    }
    if (!ok) tt_fields_refuse(fields, field, "'%s' should be a list of texts", field);
    a->field = field;
    a->texts = texts;
}

static void ask_object(tt_fields *fields, asked *a, const char *field) {
    if (!is_first(fields, a, field)) return;
    a->field = field;
    a->object = true;
}

/* {"type": "json_schema", "json_schema": {"schema": {...}}}, OpenAI's; {"type": "json_object", "schema": {...}},
 * llama.cpp's. */
static void take_response_format(tt_fields *fields, asked *a) {
    static const char field[] = "response_format";
    yyjson_val *format = tt_fields_get(fields, field);
    const char *type = yyjson_get_str(yyjson_obj_get(format, "type"));
    yyjson_val *schema = yyjson_obj_get(yyjson_obj_get(format, "json_schema"), "schema");
    if (!schema) schema = yyjson_obj_get(format, "schema");
    if (!format || yyjson_is_false(format) || (yyjson_is_ctn(format) && !yyjson_get_len(format))) return;
    if (type && !strcmp(type, "text")) return;
    if (schema && type && (!strcmp(type, "json_schema") || !strcmp(type, "json_object")))
        ask_schema(fields, a, field, schema);
    else if (type && !strcmp(type, "json_object"))
        ask_object(fields, a, field);
    else if (type && !strcmp(type, "json_schema"))
        tt_fields_refuse(fields, field,
                         "'%s' has no schema: send {\"type\": \"json_schema\", \"json_schema\": {\"schema\": {...}}}",
                         field);
    else
        tt_fields_refuse(fields, field, "'%s' should have the type \"text\", \"json_object\" or \"json_schema\"", field);
}

/* {"json": ..., "choice": [...], "grammar": "...", "json_object": true} */
static void take_structured_outputs(tt_fields *fields, asked *a) {
    static const char field[] = "structured_outputs";
    yyjson_val *all = tt_fields_get(fields, field), *key;
    if (all && !yyjson_is_obj(all)) tt_fields_refuse(fields, field, "'%s' should be an object", field);
    yyjson_obj_iter iterator = yyjson_obj_iter_with(all);
    while (fields->ok && (key = yyjson_obj_iter_next(&iterator))) {
        const char *name = yyjson_get_str(key);
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        if (yyjson_is_null(value) || yyjson_is_false(value)) continue;
        if (!strcmp(name, "json"))
            ask_schema(fields, a, field, value);
        else if (!strcmp(name, "choice"))
            ask_texts(fields, a, field, value);
        else if (!strcmp(name, "json_object"))
            ask_object(fields, a, field);
        else if (!strcmp(name, "grammar") && yyjson_is_str(value) && is_first(fields, a, field))
            *a = (asked){.field = field, .grammar = yyjson_get_str(value)};
        else if (fields->ok && strncmp(name, "disable_", 8) != 0)
            tt_fields_refuse(fields, field, "'%s' cannot have '%.64s' here", field, name);
    }
}

static asked take_all(tt_fields *fields, const tt_request *request) {
    asked a = {.field = request->sampling.grammar ? "grammar" : NULL};
    take_response_format(fields, &a);
    yyjson_val *schema = tt_fields_get(fields, "json_schema");
    ask_schema(fields, &a, "json_schema", yyjson_is_ctn(schema) && !yyjson_get_len(schema) ? NULL : schema);
    ask_schema(fields, &a, "guided_json", tt_fields_get(fields, "guided_json"));
    ask_texts(fields, &a, "guided_choice", tt_fields_get(fields, "guided_choice"));
    take_structured_outputs(fields, &a);
    return a;
}

/* ==== Grammars ==== */

/* root ::= "this" | "that" */
static char *grammar_of_texts(yyjson_val *texts, tt_error *err) {
    tt_text grammar = {0};
    yyjson_val *item;
    size_t index, count;
    tt_text_add(&grammar, "root ::= ");
    yyjson_arr_foreach(texts, index, count, item) {
        tt_text_add(&grammar, index ? " | \"" : "\"");
        for (const char *at = yyjson_get_str(item); *at; at++) {
            if ((unsigned char)*at < ' ')
                tt_text_addf(&grammar, "\\x%02X", (unsigned)*at);
            else
                tt_text_addf(&grammar, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
        }
        tt_text_add(&grammar, "\"");
    }
    tt_text_add(&grammar, "\n");
    return tt_text_take(&grammar, err);
}

static char *grammar_of_schema(const tt_request_world *world, yyjson_val *schema, tt_error *err) {
    if (world->chat) return tt_chat_grammar(world->chat, schema, err);
    tt_fail(err, TT_ERROR_USAGE, "schemas need a chat template, which this server's model has not: send a 'grammar'");
    return NULL;
}

static char *grammar_of(const asked *a, const tt_request_world *world, tt_error *err) {
    if (a->texts) return grammar_of_texts(a->texts, err);
    if (a->schema) return grammar_of_schema(world, a->schema, err);
    if (a->grammar) return tt_strdup(a->grammar, err);
    yyjson_doc *any = tt_json_parse("any object", "{\"type\":\"object\"}", 17, err);
    char *grammar = any ? grammar_of_schema(world, yyjson_doc_get_root(any), err) : NULL;
    yyjson_doc_free(any);
    return grammar;
}

/* The grammar lives as long as the request, and is tried at once. Where the prompt opens thinking, it holds behind that. */
static void constrain(tt_fields *fields, tt_request *request, const tt_request_world *world, const asked *a) {
    tt_error err = {0};
    char *grammar = grammar_of(a, world, &err);
    if (!grammar)
        tt_fields_refuse_error(fields, a->field, &err);
    else if (strlen(grammar) > GRAMMAR_MOST)
        tt_fields_refuse(fields, a->field, "'%s' makes a grammar of more than %d bytes: ask for less", a->field,
                         GRAMMAR_MOST);
    else
        request->sampling.grammar = tt_request_keep(fields, a->field, &request->sampling_texts, grammar);
    free(grammar);
    if (request->thinking.opened && request->thinking.end_count)
        request->sampling.grammar_behind = request->thinking.ends[0];
    tt_request_try_sampling(fields, a->field, &request->sampling, world->model);
}

void tt_request_take_constraints(tt_fields *fields, tt_request *request, const tt_request_world *world) {
    if (!fields->ok) return;
    const asked a = take_all(fields, request);
    if (fields->ok && (a.schema || a.texts || a.object || a.grammar)) constrain(fields, request, world, &a);
    yyjson_doc_free(a.doc);
}
