/* architectures.h: what makers of control vectors call a model's architecture.
 *
 * controlvector.model_hint is meant to be the model's general.architecture, as llama.cpp's own generator writes it. repeng,
 * and the exporter of the published sets of creative-writing vectors, write the model_type of the Hugging Face model
 * instead: "mistral" for what is a "llama" in GGUF. */
#pragma once

#include <stdbool.h>

/* True when `hint` means `architecture` (a general.architecture), by that name or by the model_type of models that are
 * converted to it. Upper and lower case, '-', '_' and '.' make no difference. */
bool tt_architecture_is(const char *hint, const char *architecture);
