/* tiny_model_parts.c: see tiny_model_parts.h
 *
 * The gains keep activations moderate: an embedding has elements of size 1, and each block adds about a third of that.
 * Queries and keys are larger, so that attention prefers some positions; the output's gain makes the logits differ by
 * several units, so that a greedy choice does not hang on rounding. */
#include "support/tiny_model_parts.h"

const char tt_tiny_chatml[] =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const struct tt_tiny_tokenizer tt_tiny_sentencepiece_chatml = {
    .kind = TT_TINY_SENTENCEPIECE,
    .control = {"<|im_start|>", "<|im_end|>"},
    .end_of_turn = 1,
    .adds_begin = true,
};

/* ==== Keys ==== */

const struct tt_tiny_key tt_tiny_sizes[] = {
    {.name = "context_length", .size = TT_TINY_CONTEXT}, {.name = "embedding_length", .size = TT_TINY_WIDTH},
    {.name = "block_count", .size = TT_TINY_LAYERS},     {.name = "feed_forward_length", .size = TT_TINY_FEED_FORWARD},
    {.name = "vocab_size", .size = TT_TINY_VOCABULARY},  {0},
};

const struct tt_tiny_key tt_tiny_heads[] = {
    {.name = "attention.head_count", .size = TT_TINY_HEADS},
    {.name = "attention.head_count_kv", .size = TT_TINY_KV_HEADS},
    {.name = "attention.key_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "attention.value_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.dimension_count", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.freq_base", .type = TT_TINY_F32, .value = 10000},
    {0},
};

const struct tt_tiny_key tt_tiny_rms_epsilon[] = {
    {.name = "attention.layer_norm_rms_epsilon", .type = TT_TINY_F32, .value = 1e-5},
    {0},
};

const struct tt_tiny_key tt_tiny_experts_counts[] = {
    {.name = "expert_count", .size = TT_TINY_EXPERTS},
    {.name = "expert_used_count", .size = TT_TINY_EXPERTS_USED},
    {0},
};

/* ==== Tensors ==== */

const struct tt_tiny_tensor tt_tiny_embedding[] = {
    {"token_embd.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_EMBEDDING, 1},
    {0},
};

const struct tt_tiny_tensor tt_tiny_output[] = {
    {"output_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"output.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_OUTPUT, 2},
    {0},
};

const struct tt_tiny_tensor tt_tiny_tied[] = {
    {"token_embd.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_TIED, 0.25f},
    {"output_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {0},
};

const struct tt_tiny_tensor tt_tiny_attention[] = {
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.attn_q.weight", {TT_TINY_WIDTH, TT_TINY_QUERY}, TT_TINY_MATRIX, 1.5f},
    {"blk.%u.attn_k.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1.5f},
    {"blk.%u.attn_v.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_output.weight", {TT_TINY_QUERY, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {0},
};

const struct tt_tiny_tensor tt_tiny_qkv_biases[] = {
    {"blk.%u.attn_q.bias", {TT_TINY_QUERY}, TT_TINY_BIAS, 0.3f},
    {"blk.%u.attn_k.bias", {TT_TINY_KEY}, TT_TINY_BIAS, 0.3f},
    {"blk.%u.attn_v.bias", {TT_TINY_KEY}, TT_TINY_BIAS, 0.3f},
    {0},
};

const struct tt_tiny_tensor tt_tiny_qk_norms[] = {
    {"blk.%u.attn_q_norm.weight", {TT_TINY_HEAD_SIZE}, TT_TINY_NORM, 1.5f},
    {"blk.%u.attn_k_norm.weight", {TT_TINY_HEAD_SIZE}, TT_TINY_NORM, 1.5f},
    {0},
};

const struct tt_tiny_tensor tt_tiny_gated_feed_forward[] = {
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {0},
};

const struct tt_tiny_tensor tt_tiny_experts[] = {
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate_inp.weight", {TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_gate_exps.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up_exps.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down_exps.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 0.5f},
    {0},
};
