/* report.h: an evaluation as JSON, and as a page that needs nothing but a browser. */
#pragma once

#include "base/json.h"
#include "base/text.h"
#include "evaluate/load.h"

/* Everything, under names that docs/quality.md explains; what could not be told is null. The caller frees the document. */
yyjson_mut_doc *tt_evaluation_json(const tt_evaluation *evaluation, const tt_model *model, const tt_loaded *vectors,
                                   tt_error *err);

/* A document of tt_evaluation_json as an HTML page that needs nothing but a browser. The caller frees. */
char *tt_evaluation_html(const yyjson_mut_doc *evaluation, tt_error *err);
