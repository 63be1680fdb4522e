/* reply.h: checks the helper process' answers. It runs foreign code on foreign input, so nothing is taken on trust. */
#pragma once

#include "base/error.h"
#include "chat/rendered.h"

#include <yyjson.h>

/* The answer to one request as JSON, whose root is an object. NULL if it is not, or if it has an "error", whose sentence
 * goes into `err`. The caller frees it with yyjson_doc_free. */
yyjson_doc *tt_reply_read(const char *bytes, size_t length, tt_error *err);

bool tt_reply_facts(yyjson_val *root, tt_template_facts *facts, tt_error *err);

/* Reads exactly `count` results. After a failure there is nothing to free. */
bool tt_reply_rendered(yyjson_val *root, bool whole, tt_rendered *rendered, size_t count, tt_error *err);
