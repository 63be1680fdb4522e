/* tiny_model_parts.h: the tables that several architectures of tiny models share. */
#pragma once

#include "support/tiny_model.h"

/* Keys. */
extern const struct tt_tiny_key tt_tiny_sizes[];          /* context, width, blocks, feed-forward, vocabulary */
extern const struct tt_tiny_key tt_tiny_heads[];          /* heads, their size, rotary positions over the whole head */
extern const struct tt_tiny_key tt_tiny_rms_epsilon[];    /* of RMS norms */
extern const struct tt_tiny_key tt_tiny_experts_counts[]; /* how many there are, and are used */

/* Tensors, in the order of the graph. */
extern const struct tt_tiny_tensor tt_tiny_embedding[];  /* with an output of its own: the last part */
extern const struct tt_tiny_tensor tt_tiny_output[];     /* the final norm and that output */
extern const struct tt_tiny_tensor tt_tiny_tied[];       /* an embedding that is the output too, and the final norm */
extern const struct tt_tiny_tensor tt_tiny_attention[];  /* its norm and four matrices */
extern const struct tt_tiny_tensor tt_tiny_qkv_biases[]; /* of queries, keys and values */
extern const struct tt_tiny_tensor tt_tiny_qk_norms[];   /* one for all heads */
extern const struct tt_tiny_tensor tt_tiny_gated_feed_forward[]; /* its norm, gate, up and down */
extern const struct tt_tiny_tensor tt_tiny_experts[];            /* the same in a mixture of experts, with the router */

/* Tokenizers that know ChatML's two tokens. */
extern const struct tt_tiny_tokenizer tt_tiny_sentencepiece_chatml;
