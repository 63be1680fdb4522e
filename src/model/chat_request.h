/* chat_request.h: conversations as requests in OpenAI's form, with what they say kept apart from control tokens. */
#pragma once

#include "model/control_text.h"
#include "model/message.h"
#include "model/think.h"

#include <yyjson.h>

typedef struct tt_chat_request_rules {
    const tt_control_text *control; /* marks what contents say; NULL: they are left as they are */
    tt_think think;
    yyjson_val *kwargs; /* what every request's template is told; a request's own comes before it. NULL: nothing */
} tt_chat_request_rules;

/* Adds a request with these messages to `requests`, an array of `doc`. Where memory is short for a value, only the document
 * knows (tt_json_complete). */
bool tt_chat_request_add(yyjson_mut_doc *doc, yyjson_mut_val *requests, const tt_message *messages, size_t count,
                         const tt_chat_request_rules *rules, tt_error *err);

/* Adds a copy of what a template is told of in `request`; whether that is right is the template engine's to say. */
bool tt_chat_request_copy(yyjson_mut_doc *doc, yyjson_mut_val *requests, yyjson_val *request,
                          const tt_chat_request_rules *rules, tt_error *err);
