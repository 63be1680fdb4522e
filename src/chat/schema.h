/* schema.h: which JSON schemas a grammar can hold an answer to.
 *
 * llama.cpp's conversion (tt_template_grammar) passes over what it does not know, and of two keywords in one schema often
 * reads only one. An answer that was promised to fit a schema must fit it, so such schemas are refused here, by the keyword.
 */
#pragma once

#include "base/error.h"

#include <yyjson.h>

/* True when every answer that the schema's grammar allows fits the schema. Else `err` names the keyword and where it stands
 * ("at /properties/age: 'multipleOf' cannot be enforced"). Formats other than
 * "date", "time", "date-time" and "uuid" and keywords that JSON Schema
 * does not know constrain nothing. */
bool tt_schema_check(yyjson_val *schema, tt_error *err);
