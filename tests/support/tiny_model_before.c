/* tiny_model_before.c: families that compute something between the embedding and block 0: GPT-2 adds positions, BLOOM
 * normalises, Granite scales. What they are fed with and answer matters less here, so all have one tokenizer. */
#include "support/tiny_model_parts.h"

extern const struct tt_tiny_architecture tt_tiny_gpt2, tt_tiny_bloom, tt_tiny_granite;

static const struct tt_tiny_key layer_epsilon[] = {
    {.name = "attention.layer_norm_epsilon", .type = TT_TINY_F32, .value = 1e-5},
    {0},
};

static const struct tt_tiny_tensor positions[] = {
    {"position_embd.weight", {TT_TINY_WIDTH, TT_TINY_CONTEXT}, TT_TINY_EMBEDDING, 0.5f},
    {0},
};

static const struct tt_tiny_tensor embedding_norm[] = {
    {"token_embd_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"token_embd_norm.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.3f},
    {0},
};

/* Both: one matrix for queries, keys and values, a bias everywhere, no gate. */
static const struct tt_tiny_tensor biased_blocks[] = {
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.attn_norm.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.attn_qkv.weight", {TT_TINY_WIDTH, TT_TINY_QKV}, TT_TINY_MATRIX, 1.2f},
    {"blk.%u.attn_qkv.bias", {TT_TINY_QKV}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.attn_output.weight", {TT_TINY_QUERY, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.attn_output.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_norm.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up.bias", {TT_TINY_FEED_FORWARD}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.ffn_down.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.1f},
    {0},
};

static const struct tt_tiny_tensor biased_output[] = {
    {"output_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"output_norm.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.1f},
    {"output.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_OUTPUT, 2},
    {0},
};

const struct tt_tiny_architecture tt_tiny_gpt2 = {
    .name = "gpt2",
    .architecture = "gpt2",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = {tt_tiny_sizes, tt_tiny_heads, layer_epsilon},
    .tensors = {tt_tiny_embedding, positions, biased_blocks, biased_output},
    .sizes = {[TT_TINY_KV_HEADS] = 4},
};

const struct tt_tiny_architecture tt_tiny_bloom = {
    .name = "bloom",
    .architecture = "bloom",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = {tt_tiny_sizes, tt_tiny_heads, layer_epsilon},
    .tensors = {tt_tiny_embedding, embedding_norm, biased_blocks, biased_output},
    .sizes = {[TT_TINY_KV_HEADS] = 4},
};

static const struct tt_tiny_key granite_scales[] = {
    {.name = "logit_scale", .type = TT_TINY_F32, .value = 2},
    {.name = "embedding_scale", .type = TT_TINY_F32, .value = 3},
    {.name = "residual_scale", .type = TT_TINY_F32, .value = 0.5},
    {0},
};

const struct tt_tiny_architecture tt_tiny_granite = {
    .name = "granite",
    .architecture = "granite",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon, granite_scales},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_gated_feed_forward, tt_tiny_output},
};
