/* evaluation_json.h: an evaluation as JSON, under names that docs/quality.md explains: the one place that knows them. */
#pragma once

#include "base/json.h"
#include "evaluate/evaluation.h"

/* Everything; what could not be told is null. The strings are the evaluation's, which must outlive the document. The caller
 * frees it. */
yyjson_mut_doc *tt_evaluation_json(const tt_evaluation *evaluation, tt_error *err);

/* Writes the part that is about one axis to `path`. */
bool tt_evaluation_write_axis(const tt_evaluation *evaluation, size_t axis, const char *path, tt_error *err);

/* Reads such a file: all of it but the sums by sample and the effects on other axes, which nobody here asks for again. A
 * figure that is missing or null is NaN. */
bool tt_evaluation_read(tt_evaluation *evaluation, const char *path, tt_error *err);
