/* train.h: a training run, from a model and axes to control vectors on disk.
 *
 * prompts/ is asked for samples, model/ captures them into states/, directions/ reads those, vectors/ writes the files. The
 * states file holds the expensive part: a run that was stopped goes on from it, and directions can be computed from it again
 * by another method without the model. */
#pragma once

#include "train/options.h"

/* Trains. On failure everything that was captured stays in the states file, and files written before stay whole. */
bool tt_train(tt_model *model, const tt_train_options *options, tt_train_result *result, tt_error *err);

/* The second half alone: directions and files from a states file, without the model. The options that say what was asked
 * (axes, plan, chat template) are not looked at: the file tells. `samples` is how many of the file's first samples to use; 0
 * is all that the run was to have. As a sample does not depend on how many there are, that gives what a run of so many
 * would.
 */
bool tt_train_from_states(const char *states_path, const tt_train_options *options, tt_train_result *result, tt_error *err);

void tt_train_result_free(tt_train_result *result);
