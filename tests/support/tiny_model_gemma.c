/* tiny_model_gemma.c: Google's Gemma 2 and 3: embeddings scaled by sqrt(d) and shared with the output, norms in front of and
 * behind attention and feed-forward, attention that slides in every second block; Gemma 2 also has soft caps on scores and
 * logits.
 *
 * The norms behind make Gemma 2's activations large. Here they are larger still than half precision holds (65504), which
 * the captured states must survive. */
#include "support/tiny_model_parts.h"

extern const struct tt_tiny_architecture tt_tiny_gemma_2, tt_tiny_gemma_3;

static const struct tt_tiny_key gemma_2_keys[] = {
    {.name = "attention.sliding_window", .size = TT_TINY_WINDOW},
    {.name = "attn_logit_softcapping", .type = TT_TINY_F32, .value = 50},
    {.name = "final_logit_softcapping", .type = TT_TINY_F32, .value = 30},
    {0},
};

static const struct tt_tiny_key gemma_3_keys[] = {
    {.name = "attention.sliding_window", .size = TT_TINY_WINDOW},
    {0},
};

static const struct tt_tiny_tensor gemma_2_feed_forward[] = {
    {"blk.%u.post_attention_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 3e4f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.post_ffw_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 3e4f},
    {0},
};

static const struct tt_tiny_tensor gemma_3_feed_forward[] = {
    {"blk.%u.post_attention_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 0.5f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_gate.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.post_ffw_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 0.5f},
    {0},
};

/* Gemma 2 refuses a system message; Gemma 3 puts it in front of the first user message. */
static const char gemma_2_template[] =
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' + "
    "message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}";

static const char gemma_3_template[] =
    "{% set found = namespace(system='') %}{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{% set found.system = message['content'] + '\\n\\n' %}{% else %}"
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' + found.system + "
    "message['content'] | trim + '<end_of_turn>\\n' }}{% set found.system = '' %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}";

static const struct tt_tiny_tokenizer gemma_sentencepiece = {
    .kind = TT_TINY_SENTENCEPIECE,
    .begin = "<bos>",
    .end = "<eos>",
    .control = {"<start_of_turn>", "<end_of_turn>"},
    .end_of_turn = 1,
    .adds_begin = true,
    .without_leading_space = true,
};

const struct tt_tiny_architecture tt_tiny_gemma_2 = {
    .name = "gemma-2",
    .architecture = "gemma2",
    .tokenizer = &gemma_sentencepiece,
    .chat_template = gemma_2_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon, gemma_2_keys},
    .tensors = {tt_tiny_tied, tt_tiny_attention, gemma_2_feed_forward},
    .sizes = {[TT_TINY_HEAD_SIZE] = 32},
};

const struct tt_tiny_architecture tt_tiny_gemma_3 = {
    .name = "gemma-3",
    .architecture = "gemma3",
    .tokenizer = &gemma_sentencepiece,
    .chat_template = gemma_3_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon, gemma_3_keys},
    .tensors = {tt_tiny_tied, tt_tiny_attention, tt_tiny_qk_norms, gemma_3_feed_forward},
    .sizes = {[TT_TINY_HEAD_SIZE] = 32},
};
