/* train_report.h: what `trimtab train` says: progress while it works, figures when it is done. */
#pragma once

#include "base/progress.h"
#include "cli/library.h"

/* What is shown of a training that goes on. */
typedef struct tt_train_talk {
    tt_progress progress; /* ends with tt_progress_end */
    const char *stage;
    bool wanted;
} tt_train_talk;

/* Makes the training show itself on standard error; where that is not `wanted` it only listens to Ctrl-C. */
void tt_train_talk_begin(tt_train_talk *talk, bool wanted, trimtab_train_options *options);

/* What came of the run, as tables or as JSON, on standard output; times and files only where rank 0 wrote them. */
bool tt_print_training(const trimtab_training *training, bool json, tt_error *err);
bool tt_print_forecast(const trimtab_forecast *forecast, bool json, tt_error *err);
