/* strength.h: how strong a mix is, next to what the model itself computes: for vectors of any length.
 *
 * trimtab's own vectors are as long as the classes lie apart, so value 1 means the same for each. Other tools write vectors
 * of length 1, which do next to nothing at scale 1, or of any other length: what counts is scale times length, held against
 * the length of the model's hidden state. */
#pragma once

#include "apply/blend.h"
#include "model/model.h"

/* The length of the model's hidden state behind each block, for a few words of plain text: [layer_count of the model]. Takes
 * a context of the model's for a moment. The caller frees. */
float *tt_strength_measure(tt_model *model, tt_error *err);

/* True where the blend has a vector that has to be judged so: one of no set, at a scale that makes it longer than 1, or one
 * of a set beyond 1 that no evaluation has measured. */
bool tt_strength_matters(const tt_blend *blend);

/* Warns where the mix is so long, next to the hidden state, that text suffers; refuses (unless `force`) what drowns it. */
bool tt_strength_judge(tt_blend *blend, const float *lengths, bool force, tt_error *err);
