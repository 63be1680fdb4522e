/* chat_request.h: conversations as requests in OpenAI's form, with the contents of messages kept apart from control
 * tokens. */
#pragma once

#include "model/control_text.h"
#include "model/message.h"
#include "model/think.h"

#include <yyjson.h>

typedef struct tt_chat_request_rules {
    const tt_control_text *control; /* marks contents; NULL: they are left unchanged */
    tt_think think;
    yyjson_val *kwargs; /* extra values for every request's template; a request's own take precedence. NULL: none */
} tt_chat_request_rules;

/* Adds a request with these messages to `requests`, an array of `doc`. If memory runs out for a value, only the document
 * records it (tt_json_complete). */
bool tt_chat_request_add(yyjson_mut_doc *doc, yyjson_mut_val *requests, const tt_message *messages, size_t count,
                         const tt_chat_request_rules *rules, tt_error *err);

/* Adds a copy of the parts of `request` that a template gets; the template engine judges whether they are valid. */
bool tt_chat_request_copy(yyjson_mut_doc *doc, yyjson_mut_val *requests, yyjson_val *request,
                          const tt_chat_request_rules *rules, tt_error *err);
