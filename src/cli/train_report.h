/* train_report.h: what `trimtab train` says: progress while it works, figures when it is done. */
#pragma once

#include "base/progress.h"
#include "train/forecast.h"
#include "train/train.h"

/* Makes `observer` show its run through `progress` on standard error; where it is not `wanted`, nothing is shown. */
void tt_train_talk(tt_progress *progress, bool wanted, tt_train_observer *observer);

/* What came of the run, as tables or as JSON, on standard output; times and files only where rank 0 wrote them. */
bool tt_print_training(const tt_train_result *result, bool json, tt_error *err);
bool tt_print_forecast(const tt_forecast *forecast, bool json, tt_error *err);
