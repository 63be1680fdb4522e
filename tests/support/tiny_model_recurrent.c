/* tiny_model_recurrent.c: architectures whose blocks carry a state from token to token: LFM 2 (short convolutions, attention
 * in every second block), Mamba 2 (no attention at all) and PLaMo 2 (states and attention in turns), whose graph has no
 * place for control vectors. */
#include "support/tiny_model_parts.h"

/* ==== LFM 2 ==== */

extern const struct tt_tiny_architecture tt_tiny_lfm2;

/* No keys and values: a block without attention. */
static const struct tt_tiny_key alternating_heads[] = {
    {.name = "attention.head_count", .size = TT_TINY_HEADS},
    {.name = "attention.head_count_kv", .type = TT_TINY_ODD_ARRAY, .size = TT_TINY_KV_HEADS},
    {.name = "attention.key_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "attention.value_length", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.dimension_count", .size = TT_TINY_HEAD_SIZE},
    {.name = "rope.freq_base", .type = TT_TINY_F32, .value = 10000},
    {0},
};

static const struct tt_tiny_key lfm2_keys[] = {
    {.name = "shortconv.l_cache", .size = TT_TINY_CONVOLUTION},
    {0},
};

static const struct tt_tiny_tensor lfm2_tensors[] = {
    {"token_embd.weight", {TT_TINY_WIDTH, TT_TINY_VOCABULARY}, TT_TINY_TIED, 0.25f},
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"token_embd_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1}, /* the final norm, in spite of its name */
    {0},
};

static const struct tt_tiny_tensor lfm2_convolution[] = {
    {"blk.%u.shortconv.conv.weight", {TT_TINY_CONVOLUTION, TT_TINY_WIDTH}, TT_TINY_MATRIX, 1},
    {"blk.%u.shortconv.in_proj.weight", {TT_TINY_WIDTH, TT_TINY_THRICE_WIDTH}, TT_TINY_MATRIX, 1},
    {"blk.%u.shortconv.out_proj.weight", {TT_TINY_WIDTH, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.3f},
    {0},
};

static const struct tt_tiny_tensor lfm2_attention[] = {
    {"blk.%u.attn_q.weight", {TT_TINY_WIDTH, TT_TINY_QUERY}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_k.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_v.weight", {TT_TINY_WIDTH, TT_TINY_KEY}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_q_norm.weight", {TT_TINY_HEAD_SIZE}, TT_TINY_NORM, 1.5f},
    {"blk.%u.attn_k_norm.weight", {TT_TINY_HEAD_SIZE}, TT_TINY_NORM, 1.5f},
    {"blk.%u.attn_output.weight", {TT_TINY_QUERY, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.3f},
    {0},
};

static const char lfm2_template[] =
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

static const struct tt_tiny_tokenizer lfm2_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "lfm2",
    .begin = "<|startoftext|>",
    .end = "<|endoftext|>",
    .control = {"<|im_start|>", "<|im_end|>"},
    .end_of_turn = 1,
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_lfm2 = {
    .name = "lfm2",
    .architecture = "lfm2",
    .tokenizer = &lfm2_bpe,
    .chat_template = lfm2_template,
    .keys = {tt_tiny_sizes, alternating_heads, tt_tiny_rms_epsilon, lfm2_keys},
    .tensors = {lfm2_tensors, tt_tiny_gated_feed_forward},
    .even_tensors = lfm2_convolution,
    .odd_tensors = lfm2_attention,
};

/* ==== Mamba 2 ==== */

extern const struct tt_tiny_architecture tt_tiny_mamba2;

static const struct tt_tiny_key mamba2_keys[] = {
    {.name = "context_length", .size = TT_TINY_CONTEXT},
    {.name = "embedding_length", .size = TT_TINY_WIDTH},
    {.name = "block_count", .size = TT_TINY_LAYERS},
    {.name = "feed_forward_length", .value = 0},
    {.name = "attention.head_count", .value = 0},
    {.name = "vocab_size", .size = TT_TINY_VOCABULARY},
    {.name = "ssm.conv_kernel", .size = TT_TINY_CONVOLUTION},
    {.name = "ssm.inner_size", .size = TT_TINY_INNER},
    {.name = "ssm.state_size", .size = TT_TINY_STATE},
    {.name = "ssm.time_step_rank", .size = TT_TINY_STATE_HEADS},
    {.name = "ssm.group_count", .size = TT_TINY_ONE},
    {0},
};

static const struct tt_tiny_tensor mamba2_block[] = {
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ssm_in.weight", {TT_TINY_WIDTH, TT_TINY_STATE_INPUT}, TT_TINY_MATRIX, 1},
    {"blk.%u.ssm_conv1d.weight", {TT_TINY_CONVOLUTION, TT_TINY_INNER_AND_STATE}, TT_TINY_MATRIX, 1},
    {"blk.%u.ssm_conv1d.bias", {TT_TINY_INNER_AND_STATE}, TT_TINY_BIAS, 0.1f},
    {"blk.%u.ssm_dt.bias", {TT_TINY_STATE_HEADS}, TT_TINY_BIAS, 0.5f},
    {"blk.%u.ssm_a", {TT_TINY_ONE, TT_TINY_STATE_HEADS}, TT_TINY_NORM, -0.1f},
    {"blk.%u.ssm_d", {TT_TINY_ONE, TT_TINY_STATE_HEADS}, TT_TINY_NORM, 1},
    {"blk.%u.ssm_norm.weight", {TT_TINY_INNER, TT_TINY_ONE}, TT_TINY_NORM, 1},
    {"blk.%u.ssm_out.weight", {TT_TINY_INNER, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.4f},
    {0},
};

/* As Mamba-Codestral, whose layout is Mistral's third. */
static const char mamba2_template[] = "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
                                      "{% if tools %}{{ '[AVAILABLE_TOOLS] ' + tools + '[/AVAILABLE_TOOLS]' }}{% endif %}"
                                      "{{ '[INST] ' + message['content'] + '[/INST]' }}"
                                      "{% else %}{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}";

static const struct tt_tiny_tokenizer mamba2_sentencepiece = {
    .kind = TT_TINY_SENTENCEPIECE,
    .control = {"[INST]", "[/INST]"},
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_mamba2 = {
    .name = "mamba2",
    .architecture = "mamba2",
    .tokenizer = &mamba2_sentencepiece,
    .chat_template = mamba2_template,
    .keys = {mamba2_keys, tt_tiny_rms_epsilon},
    .tensors = {tt_tiny_embedding, mamba2_block, tt_tiny_output},
};

/* ==== PLaMo 2 (with a tokenizer of another family: its own is a kind to itself) ==== */

extern const struct tt_tiny_architecture tt_tiny_plamo2;

static const struct tt_tiny_key plamo2_keys[] = {
    {.name = "ssm.conv_kernel", .size = TT_TINY_CONVOLUTION},
    {.name = "ssm.inner_size", .size = TT_TINY_INNER},
    {.name = "ssm.state_size", .size = TT_TINY_STATE},
    {.name = "ssm.time_step_rank", .size = TT_TINY_STATE_HEADS},
    {.name = "ssm.group_count", .value = 0},
    {0},
};

static const struct tt_tiny_tensor plamo2_tensors[] = {
    {"blk.%u.attn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.post_attention_norm", {TT_TINY_WIDTH}, TT_TINY_NORM, 0.3f},
    {"blk.%u.ffn_norm.weight", {TT_TINY_WIDTH}, TT_TINY_NORM, 1},
    {"blk.%u.ffn_up.weight", {TT_TINY_WIDTH, TT_TINY_TWICE_FEED_FORWARD}, TT_TINY_MATRIX, 1},
    {"blk.%u.ffn_down.weight", {TT_TINY_FEED_FORWARD, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.5f},
    {"blk.%u.post_ffw_norm", {TT_TINY_WIDTH}, TT_TINY_NORM, 0.3f},
    {0},
};

static const struct tt_tiny_tensor plamo2_states[] = {
    {"blk.%u.ssm_in.weight", {TT_TINY_WIDTH, TT_TINY_TWICE_INNER}, TT_TINY_MATRIX, 1},
    {"blk.%u.ssm_conv1d.weight", {TT_TINY_CONVOLUTION, TT_TINY_INNER}, TT_TINY_MATRIX, 1},
    {"blk.%u.ssm_x.weight", {TT_TINY_INNER, TT_TINY_STEP_AND_STATE}, TT_TINY_MATRIX, 1},
    {"blk.%u.ssm_dt.weight", {TT_TINY_STEP, TT_TINY_STATE_HEADS}, TT_TINY_MATRIX, 1},
    {"blk.%u.ssm_dt.bias", {TT_TINY_STATE_HEADS}, TT_TINY_BIAS, 0.5f},
    {"blk.%u.ssm_a", {TT_TINY_STATE_HEADS}, TT_TINY_NORM, -0.1f},
    {"blk.%u.ssm_d", {TT_TINY_STATE_HEADS}, TT_TINY_NORM, 1},
    {"blk.%u.ssm_out.weight", {TT_TINY_INNER, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.4f},
    {"blk.%u.ssm_dt_norm", {TT_TINY_STEP}, TT_TINY_NORM, 1},
    {"blk.%u.ssm_b_norm", {TT_TINY_STATE}, TT_TINY_NORM, 1},
    {"blk.%u.ssm_c_norm", {TT_TINY_STATE}, TT_TINY_NORM, 1},
    {0},
};

static const struct tt_tiny_tensor plamo2_attention[] = {
    {"blk.%u.attn_qkv.weight", {TT_TINY_WIDTH, TT_TINY_QKV}, TT_TINY_MATRIX, 1},
    {"blk.%u.attn_q_norm.weight", {TT_TINY_HEAD_SIZE, TT_TINY_HEADS}, TT_TINY_NORM, 1},
    {"blk.%u.attn_k_norm.weight", {TT_TINY_HEAD_SIZE, TT_TINY_KV_HEADS}, TT_TINY_NORM, 1},
    {"blk.%u.attn_output.weight", {TT_TINY_QUERY, TT_TINY_WIDTH}, TT_TINY_MATRIX, 0.3f},
    {0},
};

const struct tt_tiny_architecture tt_tiny_plamo2 = {
    .name = "plamo2",
    .architecture = "plamo2",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = {tt_tiny_sizes, alternating_heads, tt_tiny_rms_epsilon, plamo2_keys},
    .tensors = {tt_tiny_embedding, plamo2_tensors, tt_tiny_output},
    .even_tensors = plamo2_states,
    .odd_tensors = plamo2_attention,
    .sizes = {[TT_TINY_FEED_FORWARD] = 64},
};
