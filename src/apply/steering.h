/* steering.h: a control vector in the model's terms. */
#pragma once

#include "model/steering.h"
#include "vectors/vector.h"

/* What adds `vector` at every token; one without rows adds nothing. A reference is the caller's. Fails where the vector does
 * not fit the model, or a value is not finite. */
tt_steering *tt_steering_of_vector(const tt_model *model, const tt_vector *vector, tt_error *err);
