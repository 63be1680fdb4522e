/* tiny_model_dense.c: families with an architecture of their own and a plain feed-forward network: Qwen, Cohere, InternLM,
 * GLM, and Mistral's third. */
#include "support/tiny_model_parts.h"

/* ==== Qwen ==== */

extern const struct tt_tiny_architecture tt_tiny_qwen2, tt_tiny_qwen3;

/* A conversation without a system message is given one. */
static const char qwen2_template[] =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

static const struct tt_tiny_tokenizer qwen_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "qwen2",
    .end = "<|endoftext|>",
    .control = {"<|im_start|>", "<|im_end|>"},
    .end_of_turn = 1,
};

const struct tt_tiny_architecture tt_tiny_qwen2 = {
    .name = "qwen2",
    .architecture = "qwen2",
    .tokenizer = &qwen_bpe,
    .chat_template = qwen2_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_qkv_biases, tt_tiny_gated_feed_forward, tt_tiny_output},
};

const struct tt_tiny_architecture tt_tiny_qwen3 = {
    .name = "qwen3",
    .architecture = "qwen3",
    .tokenizer = &qwen_bpe,
    .chat_template = tt_tiny_chatml,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_qk_norms, tt_tiny_gated_feed_forward, tt_tiny_output},
    .sizes = {[TT_TINY_HEAD_SIZE] = 32},
};

/* ==== Cohere: attention and feed-forward run in parallel from one norm ==== */

extern const struct tt_tiny_architecture tt_tiny_command_r, tt_tiny_command_r_plus;

static const struct tt_tiny_key cohere_keys[] = {
    {.name = "attention.layer_norm_epsilon", .type = TT_TINY_F32, .value = 1e-5},
    {.name = "logit_scale", .type = TT_TINY_F32, .value = 0.5},
    {0},
};

static const struct tt_tiny_tensor parallel_feed_forward[] = {
    {"blk.%u.ffn_gate.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.2f},
    {0},
};

static const struct tt_tiny_tensor cohere_norms[] = {
    {"blk.%u.attn_q_norm.weight", {TT_TINY_HEAD_SIZE, TT_TINY_HEADS}, TT_TINY_NORM, 1.5f},
    {"blk.%u.attn_k_norm.weight", {TT_TINY_HEAD_SIZE, TT_TINY_KV_HEADS}, TT_TINY_NORM, 1.5f},
    {0},
};

static const char cohere_template[] =
    "{{ bos_token }}{% for message in messages %}{% set names = {'system': 'SYSTEM', 'user': 'USER', 'assistant': "
    "'CHATBOT'} %}"
    "{% if message['role'] == 'user' %}{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' }}"
    "{% else %}{{ '<|START_OF_TURN_TOKEN|><|' + names[message['role']] + '_TOKEN|>' }}{% endif %}"
    "{{ message['content'].strip() + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}";

static const struct tt_tiny_tokenizer cohere_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "command-r",
    .begin = "<BOS_TOKEN>",
    .end = "<EOS_TOKEN>",
    .control = {"<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>",
                "<|CHATBOT_TOKEN|>"},
    .end_of_turn = 1,
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_command_r = {
    .name = "command-r",
    .architecture = "command-r",
    .tokenizer = &cohere_bpe,
    .chat_template = cohere_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, cohere_keys},
    .tensors = {tt_tiny_tied, tt_tiny_attention, parallel_feed_forward},
};

/* libllama expects the norms where there are 64 blocks or more, as in Command R+. */
const struct tt_tiny_architecture tt_tiny_command_r_plus = {
    .name = "command-r-plus",
    .architecture = "command-r",
    .tokenizer = &cohere_bpe,
    .chat_template = cohere_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, cohere_keys},
    .tensors = {tt_tiny_tied, tt_tiny_attention, cohere_norms, parallel_feed_forward},
    .sizes = {[TT_TINY_LAYERS] = 64, [TT_TINY_WIDTH] = 16, [TT_TINY_HEADS] = 2, [TT_TINY_FEED_FORWARD] = 16},
};

/* ==== InternLM ==== */

extern const struct tt_tiny_architecture tt_tiny_internlm2;

static const char chatml_with_begin[] =
    "{{ bos_token }}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const struct tt_tiny_architecture tt_tiny_internlm2 = {
    .name = "internlm2",
    .architecture = "internlm2",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = chatml_with_begin,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_gated_feed_forward, tt_tiny_output},
};

/* ==== GLM: norms behind attention and feed-forward too, gate and up in one matrix, rotary positions on half a head ==== */

extern const struct tt_tiny_architecture tt_tiny_glm4;

static const struct tt_tiny_key glm4_keys[] = {
    {.name = "attention.head_count", .size = TT_TINY_HEADS},
    {.name = "attention.head_count_kv", .size = TT_TINY_KV_HEADS},
    {.name = "attention.key_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "attention.value_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.dimension_count", .size = TT_TINY_HALF_HEAD},
    {.name = "rope.freq_base", .type = TT_TINY_F32, .value = 10000},
    {0},
};

static const struct tt_tiny_tensor glm4_feed_forward[] = {
    {"blk.%u.post_attention_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 0.5f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_TWICE_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.post_ffw_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 0.3f},
    {0},
};

static const char glm4_template[] =
    "[gMASK]<sop>{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

static const struct tt_tiny_tokenizer glm4_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "glm4",
    .end = "<|endoftext|>",
    .control = {"[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>"},
    .end_of_turn = 3,
};

const struct tt_tiny_architecture tt_tiny_glm4 = {
    .name = "glm4",
    .architecture = "glm4",
    .tokenizer = &glm4_bpe,
    .chat_template = glm4_template,
    .keys = {tt_tiny_sizes, glm4_keys, tt_tiny_rms_epsilon},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_qkv_biases, glm4_feed_forward, tt_tiny_output},
};

/* ==== Mistral's third ==== */

extern const struct tt_tiny_architecture tt_tiny_mistral_3;

static const char mistral_v7_template[] =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ '[SYSTEM_PROMPT]' + message['content'] + '[/SYSTEM_PROMPT]' }}{% elif message['role'] == 'user' %}"
    "{{ '[INST]' + message['content'] + '[/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

static const struct tt_tiny_tokenizer tekken_v7 = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "tekken",
    .begin = "<s>",
    .end = "</s>",
    .control = {"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_mistral_3 = {
    .name = "mistral-3",
    .architecture = "mistral3",
    .tokenizer = &tekken_v7,
    .chat_template = mistral_v7_template,
    .keys = {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon},
    .tensors = {tt_tiny_embedding, tt_tiny_attention, tt_tiny_gated_feed_forward, tt_tiny_output},
};
