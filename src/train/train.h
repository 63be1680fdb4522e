/* train.h: a training run, from a model and axes to control vectors on disk.
 *
 * prompts/ draws samples, model/ captures them into states/, directions/ reads those, vectors/ writes the files. The
 * states file holds the expensive part: a stopped run continues from it, and directions can be computed from it again,
 * with another method, without the model. */
#pragma once

#include "train/options.h"

/* Trains. After a failure everything captured stays in the states file, and files already written stay complete. */
bool tt_train(tt_model *model, const tt_train_options *options, tt_train_result *result, tt_error *err);

/* Only the second half: directions and files from a states file, without the model. Axes, plan and chat template come
 * from the file, not from the options. `samples` is how many of the file's first samples to use; 0 means all that the run
 * was meant to have. Since a sample does not depend on how many there are, the result is that of a run with so many. */
bool tt_train_from_states(const char *states_path, const tt_train_options *options, tt_train_result *result, tt_error *err);

void tt_train_result_free(tt_train_result *result);
