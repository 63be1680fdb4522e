/* reference.h: the distributions from which a response was drawn (tt_reference of score.h). Private to model/. */
#pragma once

#include "model/score.h"

/* Allocates `length` positions, to be filled one by one. */
bool tt_reference_make(tt_reference *reference, size_t length, size_t vocabulary, tt_error *err);
void tt_reference_fill(tt_reference *reference, size_t position, const float *logits, size_t vocabulary, double normaliser);

/* The expected log-probability under `logits` of a token drawn from the reference at `position`. */
double tt_reference_expect(const tt_reference *reference, size_t position, const float *logits, double normaliser);
