/* graph.h: what the model room knows of libllama's graphs: which nodes are block 0's input and a block's output, and whether
 * a control vector has a place there. */
#pragma once

#include "model/internal.h"

enum { TT_NO_BLOCK = -1 };

/* The block whose output a node is, by the name libllama gives it; TT_NO_BLOCK for any other. */
int tt_graph_block_of_output(const struct ggml_tensor *node);

/* Fills err with the sentence that this architecture cannot be steered; false. */
bool tt_graph_fail_unsteerable(const tt_model *model, tt_error *err);

/* Fills `name` with the name of the node that is block 0's input, in every graph of this model. Fails where the model cannot
 * be steered, or where that node is not to be told. Computes two blocks for one token. */
bool tt_graph_find_input(tt_model *model, char name[GGML_MAX_NAME], tt_error *err);
