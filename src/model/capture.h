/* capture.h: every block's contribution at the last token of a prompt, for many prompts in one pass through the model.
 *
 * With h_0 the input of block 0 and h_{l+1} the output of block l (the residual stream, before the final norm), block l's
 * contribution is c_l = h_{l+1} - h_l. The prompts of one call are decoded together as a tree (trie.h) in one unified
 * key-value cache: each token belongs to all the prompts that it is the beginning of, and attends to its own ancestors
 * alone. */
#pragma once

#include "model/model.h"

typedef struct tt_capture tt_capture;

typedef struct tt_capture_options {
    bool plain; /* one prompt a decode, nothing shared: the published scripts' way, for comparison */
} tt_capture_options;

/* Contributions of two versions of trimtab with different numbers here differ by rounding and must not be mixed. 0: rows
 * were computed as many together as happened to come; 2: in multiples of TT_TREE_BATCH_GROUP (tree_batch.h), keys in BF16;
 * 3: with keys in F16 (tt_context_cache_exact). */
enum { TT_CAPTURE_ROUNDING = 3 };

/* What was computed so far, for reports. */
typedef struct tt_capture_counts {
    uint64_t prompts;
    uint64_t plain_tokens;    /* the prompts' lengths together */
    uint64_t computed_tokens; /* after sharing */
} tt_capture_counts;

tt_capture *tt_capture_open(tt_model *model, const tt_capture_options *options, tt_error *err);
void tt_capture_close(tt_capture *capture); /* harmless on NULL */

/* Captures `count` prompts into `contributions` (count x blocks x width, F32, row-major). No logits are computed. The result
 * for a set of prompts depends on that set alone, not on earlier calls. Fails with TT_ERROR_INTERRUPTED soon after `*cancel`
 * (may be NULL) becomes true; with TT_ERROR_INPUT for an empty prompt or one longer than the model's context. */
bool tt_capture_run(tt_capture *capture, const tt_tokens *prompts, size_t count, const atomic_bool *cancel,
                    float *contributions, tt_error *err);

tt_capture_counts tt_capture_counts_of(const tt_capture *capture);
