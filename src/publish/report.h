/* report.h: an evaluation as a page that needs nothing but a browser. */
#pragma once

#include "evaluate/evaluation.h"

/* The page, HTML. The caller frees. */
char *tt_evaluation_html(const tt_evaluation *evaluation, tt_error *err);
