/* graph.h: what the model room knows of libllama's graphs: which node is a block's output, and whether a control vector has
 * a place there. */
#pragma once

#include "model/internal.h"

enum { TT_NO_BLOCK = -1 };

/* The block whose output a node is, by the name libllama gives it; TT_NO_BLOCK for any other. */
int tt_graph_block_of_output(const struct ggml_tensor *node);

/* Fills err with the sentence that this architecture cannot be steered; false. */
bool tt_graph_fail_unsteerable(const tt_model *model, tt_error *err);
