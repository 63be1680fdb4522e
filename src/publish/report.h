/* report.h: an evaluation as pages that need nothing but a browser. */
#pragma once

#include "evaluate/evaluation.h"

/* Its figures, charts and texts, as HTML. The caller frees. */
char *tt_evaluation_html(const tt_evaluation *evaluation, tt_error *err);

/* Its texts alone, with a slider for each axis. The caller frees. */
char *tt_gallery_html(const tt_evaluation *evaluation, tt_error *err);
