/* tiny_model_llama.c: the llama architecture with grouped heads: with a SentencePiece tokenizer (Llama 2, Mistral), with
 * byte pairs (Llama 3), and with experts (Mixtral).
 *
 * The gains keep activations moderate: an embedding has elements of size 1, and each block adds about a third of that.
 * Queries and keys are larger, so that attention prefers some positions; the output's gain makes the logits differ by
 * several units, so that a greedy choice does not hang on rounding. */
#include "support/tiny_model.h"

static const struct tt_tiny_key keys[] = {
    {.name = "context_length", .size = TT_TINY_CONTEXT},
    {.name = "embedding_length", .size = TT_TINY_WIDTH},
    {.name = "block_count", .size = TT_TINY_LAYERS},
    {.name = "feed_forward_length", .size = TT_TINY_FEED_FORWARD},
    {.name = "attention.head_count", .size = TT_TINY_HEADS},
    {.name = "attention.head_count_kv", .size = TT_TINY_KV_HEADS},
    {.name = "attention.key_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "attention.value_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.dimension_count", .size = TT_TINY_HEAD_SIZE},
    {.name = "vocab_size", .size = TT_TINY_VOCABULARY},
    {.name = "attention.layer_norm_rms_epsilon", .type = TT_TINY_F32, .value = 1e-5},
    {.name = "rope.freq_base", .type = TT_TINY_F32, .value = 10000},
    {0},
};

static const struct tt_tiny_key keys_moe[] = {
    {.name = "context_length", .size = TT_TINY_CONTEXT},
    {.name = "embedding_length", .size = TT_TINY_WIDTH},
    {.name = "block_count", .size = TT_TINY_LAYERS},
    {.name = "feed_forward_length", .size = TT_TINY_FEED_FORWARD},
    {.name = "attention.head_count", .size = TT_TINY_HEADS},
    {.name = "attention.head_count_kv", .size = TT_TINY_KV_HEADS},
    {.name = "attention.key_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "attention.value_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.dimension_count", .size = TT_TINY_HEAD_SIZE},
    {.name = "vocab_size", .size = TT_TINY_VOCABULARY},
    {.name = "expert_count", .size = TT_TINY_EXPERTS},
    {.name = "expert_used_count", .size = TT_TINY_EXPERTS_USED},
    {.name = "attention.layer_norm_rms_epsilon", .type = TT_TINY_F32, .value = 1e-5},
    {.name = "rope.freq_base", .type = TT_TINY_F32, .value = 1000000},
    {0},
};

static const struct tt_tiny_tensor tensors[] = {
    {"token_embd.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_EMBEDDING, 1},
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.attn_q.weight", {TT_TINY_WIDTH, TT_TINY_QUERY}, TT_TINY_MATRIX, 1.5f},
    {"blk.%u.attn_k.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1.5f},
    {"blk.%u.attn_v.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_output.weight", {TT_TINY_QUERY, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"output_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"output.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_OUTPUT, 2},
    {0},
};

static const struct tt_tiny_tensor tensors_moe[] = {
    {"token_embd.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_EMBEDDING, 1},
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.attn_q.weight", {TT_TINY_WIDTH, TT_TINY_QUERY}, TT_TINY_MATRIX, 1.5f},
    {"blk.%u.attn_k.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1.5f},
    {"blk.%u.attn_v.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_output.weight", {TT_TINY_QUERY, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate_inp.weight", {TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_gate_exps.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up_exps.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down_exps.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 0.5f},
    {"output_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"output.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_OUTPUT, 2},
    {0},
};

extern const struct tt_tiny_architecture tt_tiny_llama, tt_tiny_llama_bpe, tt_tiny_llama_moe;

const struct tt_tiny_architecture tt_tiny_llama = {
    .name = "llama",
    .architecture = "llama",
    .tokenizer = TT_TINY_SENTENCEPIECE,
    .add_bos = true,
    .keys = keys,
    .tensors = tensors,
};

const struct tt_tiny_architecture tt_tiny_llama_bpe = {
    .name = "llama-bpe",
    .architecture = "llama",
    .tokenizer = TT_TINY_BYTE_PAIRS,
    .pre_tokenizer = "llama-bpe",
    .add_bos = true,
    .keys = keys,
    .tensors = tensors,
};

const struct tt_tiny_architecture tt_tiny_llama_moe = {
    .name = "llama-moe",
    .architecture = "llama",
    .tokenizer = TT_TINY_SENTENCEPIECE,
    .add_bos = true,
    .keys = keys_moe,
    .tensors = tensors_moe,
};
