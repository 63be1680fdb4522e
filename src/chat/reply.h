/* reply.h: what the helper process answers, checked: it runs foreign code on foreign input, so nothing is taken for granted.
 */
#pragma once

#include "base/error.h"
#include "chat/rendered.h"

#include <yyjson.h>

/* The answer to one request as JSON, whose root is an object; NULL where it is not, or where it is an "error": then the
 * error is that sentence. The caller frees with yyjson_doc_free. */
yyjson_doc *tt_reply_read(const char *bytes, size_t length, tt_error *err);

bool tt_reply_facts(yyjson_val *root, tt_template_facts *facts, tt_error *err);

/* Exactly `count` results. On failure nothing is left to be freed. */
bool tt_reply_rendered(yyjson_val *root, bool whole, tt_rendered *rendered, size_t count, tt_error *err);
