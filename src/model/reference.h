/* reference.h: the distributions that a response was drawn from (tt_reference of score.h). Private to model/. */
#pragma once

#include "model/score.h"

/* Memory for `length` positions; to be filled one by one. */
bool tt_reference_make(tt_reference *reference, size_t length, size_t vocabulary, tt_error *err);
void tt_reference_fill(tt_reference *reference, size_t position, const float *logits, size_t vocabulary, double normaliser);

/* The expectation, over tokens drawn from the reference at `position`, of their log-probability by `logits`. */
double tt_reference_expect(const tt_reference *reference, size_t position, const float *logits, double normaliser);
