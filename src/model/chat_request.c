/* chat_request.c: see chat_request.h */
#include "model/chat_request.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* A content's text, marked: a copy in `doc`; NULL when out of memory, which the document records. */
static yyjson_mut_val *said(yyjson_mut_doc *doc, const char *text, size_t length, const tt_chat_request_rules *rules) {
    if (!rules->control || strlen(text) != length) return yyjson_mut_strncpy(doc, text, length);
    char *marked = tt_control_text_mark(rules->control, text, NULL);
    yyjson_mut_val *value = marked ? yyjson_mut_strcpy(doc, marked) : NULL;
    if (!marked) tt_json_lacks(doc);
    free(marked);
    return value;
}

/* The request's own; an empty object if it has none. NULL if it is not an object, or when out of memory. */
static yyjson_mut_val *kwargs_of(yyjson_mut_doc *doc, yyjson_mut_val *request) {
    static const char key[] = "chat_template_kwargs";
    yyjson_mut_val *own = yyjson_mut_obj_get(request, key);
    return own ? own : yyjson_mut_obj_add_obj(doc, request, key);
}

static bool add_kwargs(yyjson_mut_doc *doc, yyjson_mut_val *request, const tt_chat_request_rules *rules) {
    static const char think[] = "enable_thinking";
    if (!rules->kwargs && !rules->think) return true;
    yyjson_mut_val *own = kwargs_of(doc, request);
    if (!own) return false;
    if (rules->think && !yyjson_mut_obj_get(own, think))
        yyjson_mut_obj_add_bool(doc, own, think, rules->think == TT_THINK_ON);
    if (!rules->kwargs) return true;
    yyjson_val *name;
    yyjson_obj_iter at = yyjson_obj_iter_with(rules->kwargs);
    while ((name = yyjson_obj_iter_next(&at))) {
        if (yyjson_mut_obj_getn(own, yyjson_get_str(name), yyjson_get_len(name))) continue;
        yyjson_mut_obj_add(own, yyjson_val_mut_copy(doc, name), yyjson_val_mut_copy(doc, yyjson_obj_iter_get_val(name)));
    }
    return true;
}

bool tt_chat_request_add(yyjson_mut_doc *doc, yyjson_mut_val *requests, const tt_message *messages, size_t count,
                         const tt_chat_request_rules *rules, tt_error *err) {
    yyjson_mut_val *request = yyjson_mut_arr_add_obj(doc, requests),
                   *list = yyjson_mut_obj_add_arr(doc, request, "messages");
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, list);
        yyjson_mut_obj_add_str(doc, message, "role", messages[i].role);
        yyjson_mut_obj_add_val(doc, message, "content", said(doc, messages[i].content, strlen(messages[i].content), rules));
    }
    return add_kwargs(doc, request, rules) || tt_fail(err, TT_ERROR_MEMORY, "out of memory");
}

/* ==== A client's request ==== */

/* Fields of a message or a tool that are not text: the protocol's own names. */
static bool is_protocol(const char *key) {
    static const char *const names[] = {"role", "type", "id", "tool_call_id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(key, names[i])) return true;
    return false;
}

/* JSON is read with a depth limit (yyjson has none): a request is a few levels deep. */
enum { DEEPEST = 64 };

static yyjson_mut_val *copy_said(yyjson_mut_doc *doc, yyjson_val *value, const tt_chat_request_rules *rules, int depth) {
    if (depth > DEEPEST) return yyjson_mut_null(doc);
    if (yyjson_is_str(value)) return said(doc, yyjson_get_str(value), yyjson_get_len(value), rules);
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *list = yyjson_mut_arr(doc);
        yyjson_val *item;
        yyjson_arr_iter at = yyjson_arr_iter_with(value);
        while ((item = yyjson_arr_iter_next(&at))) yyjson_mut_arr_append(list, copy_said(doc, item, rules, depth + 1));
        return list;
    }
    if (!yyjson_is_obj(value)) return yyjson_val_mut_copy(doc, value);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_val *key;
    yyjson_obj_iter at = yyjson_obj_iter_with(value);
    while ((key = yyjson_obj_iter_next(&at))) {
        yyjson_val *member = yyjson_obj_iter_get_val(key);
        yyjson_mut_val *copy =
            is_protocol(yyjson_get_str(key)) ? yyjson_val_mut_copy(doc, member) : copy_said(doc, member, rules, depth + 1);
        yyjson_mut_obj_add(object, yyjson_val_mut_copy(doc, key), copy);
    }
    return object;
}

/* The fields of a request that the engine knows. */
static bool is_told(const char *key) {
    static const char *const names[] = {"messages",
                                        "tools",
                                        "tool_choice",
                                        "reasoning_effort",
                                        "parallel_tool_calls",
                                        "chat_template_kwargs",
                                        "json_schema",
                                        "add_generation_prompt",
                                        "continue_final_message"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(key, names[i])) return true;
    return false;
}

/* Templates have a variable called documents, which the engine passes as one of the template's kwargs. */
static bool add_documents(yyjson_mut_doc *doc, yyjson_mut_val *copy, yyjson_val *request,
                          const tt_chat_request_rules *rules) {
    static const char name[] = "documents";
    yyjson_val *documents = yyjson_obj_get(request, name);
    if (!yyjson_is_arr(documents)) return true;
    yyjson_mut_val *kwargs = kwargs_of(doc, copy);
    return yyjson_mut_obj_get(kwargs, name) ||
           yyjson_mut_obj_add_val(doc, kwargs, name, copy_said(doc, documents, rules, 0));
}

bool tt_chat_request_copy(yyjson_mut_doc *doc, yyjson_mut_val *requests, yyjson_val *request,
                          const tt_chat_request_rules *rules, tt_error *err) {
    if (!yyjson_is_obj(request)) return tt_fail(err, TT_ERROR_INPUT, "a request is a JSON object with \"messages\" in it");
    yyjson_val *kwargs = yyjson_obj_get(request, "chat_template_kwargs");
    if (kwargs && !yyjson_is_null(kwargs) && !yyjson_is_obj(kwargs))
        return tt_fail(err, TT_ERROR_INPUT, "'chat_template_kwargs' should be an object, but is %s", tt_json_kind(kwargs));
    yyjson_mut_val *copy = yyjson_mut_arr_add_obj(doc, requests);
    yyjson_val *key;
    yyjson_obj_iter at = yyjson_obj_iter_with(request);
    while ((key = yyjson_obj_iter_next(&at))) {
        const char *name = yyjson_get_str(key);
        yyjson_val *member = yyjson_obj_iter_get_val(key);
        if (!is_told(name) || yyjson_is_null(member)) continue;
        const bool says = !strcmp(name, "messages") || !strcmp(name, "tools");
        yyjson_mut_obj_add(copy, yyjson_val_mut_copy(doc, key),
                           says ? copy_said(doc, member, rules, 0) : yyjson_val_mut_copy(doc, member));
    }
    return (add_documents(doc, copy, request, rules) && add_kwargs(doc, copy, rules)) ||
           tt_fail(err, TT_ERROR_MEMORY, "out of memory");
}
