/* tiny_model_experts.c: families of their own with a mixture of experts: Qwen 3 and OpenAI's gpt-oss. */
#include "support/tiny_model_parts.h"

/* ==== Qwen 3 ==== */

extern const struct tt_tiny_architecture tt_tiny_qwen3_moe;

static const struct tt_tiny_key expert_size[] = {
    {.name = "expert_feed_forward_length", .size = TT_TINY_FEED_FORWARD},
    {0},
};

static const struct tt_tiny_tokenizer qwen_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "qwen2",
    .end = "<|endoftext|>",
    .control = {"<|im_start|>", "<|im_end|>"},
    .end_of_turn = 1,
};

const struct tt_tiny_architecture tt_tiny_qwen3_moe = {
    .name = "qwen3-moe",
    .architecture = "qwen3moe",
    .tokenizer = &qwen_bpe,
    .chat_template = tt_tiny_chatml,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon, tt_tiny_experts_counts, expert_size},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_qk_norms, tt_tiny_experts, tt_tiny_output},
    .sizes = {[TT_TINY_FEED_FORWARD] = 32},
};

/* ==== gpt-oss: biases everywhere, attention sinks, attention that slides in every second block ==== */

extern const struct tt_tiny_architecture tt_tiny_gpt_oss;

static const struct tt_tiny_key gpt_oss_keys[] = {
    {.name = "attention.sliding_window", .size = TT_TINY_WINDOW},
    {0},
};

static const struct tt_tiny_tensor gpt_oss_block[] = {
    {"blk.%u.attn_output.bias", {TT_TINY_WIDTH}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.attn_sinks.weight", {TT_TINY_HEADS}, TT_TINY_BIAS, 0.5f},
    {"blk.%u.post_attention_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate_inp.weight", {TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_gate_inp.bias", {TT_TINY_EXPERTS}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ffn_gate_exps.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_gate_exps.bias", {TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ffn_up_exps.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up_exps.bias", {TT_TINY_FEED_FORWARD, TT_TINY_EXPERTS}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ffn_down_exps.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_MATRIX, 0.3f},
    {"blk.%u.ffn_down_exps.bias", {TT_TINY_WIDTH, TT_TINY_EXPERTS}, TT_TINY_BIAS, 0.1f},
    {0},
};

static const char gpt_oss_template[] =
    "{% for message in messages %}{{ '<|start|>' + message['role'] + '<|message|>' + message['content'] + "
    "('<|return|>' if message['role'] == 'assistant' else '<|end|>') }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}{# <|channel|> #}";

static const struct tt_tiny_tokenizer gpt_oss_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "gpt-4o",
    .begin = "<|startoftext|>",
    .end = "<|endoftext|>",
    .control = {"<|start|>", "<|message|>", "<|end|>", "<|return|>", "<|channel|>"},
    .end_of_turn = 3,
};

const struct tt_tiny_architecture tt_tiny_gpt_oss = {
    .name = "gpt-oss",
    .architecture = "gpt-oss",
    .tokenizer = &gpt_oss_bpe,
    .chat_template = gpt_oss_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon, tt_tiny_experts_counts, expert_size, gpt_oss_keys},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_qkv_biases, gpt_oss_block, tt_tiny_output},
    .sizes = {[TT_TINY_FEED_FORWARD] = 32},
};
