/* tiny_model_llama.c: the llama architecture with grouped heads, as its many makers use it.
 *
 * "llama", "llama-bpe" and "llama-moe" are the plain ones for tests of anything else; the others have a family's tokenizer,
 * control tokens and chat layout. */
#include "support/tiny_model_parts.h"

#define LLAMA_KEYS {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon}
#define LLAMA_TENSORS {tt_tiny_embedding, tt_tiny_attention, tt_tiny_gated_feed_forward, tt_tiny_output}
#define MOE_KEYS {tt_tiny_sizes, tt_tiny_heads, tt_tiny_rms_epsilon, tt_tiny_experts_counts}
#define MOE_TENSORS {tt_tiny_embedding, tt_tiny_attention, tt_tiny_experts, tt_tiny_output}

/* ==== The plain ones ==== */

extern const struct tt_tiny_architecture tt_tiny_llama, tt_tiny_llama_bpe, tt_tiny_llama_moe;

static const struct tt_tiny_tokenizer bpe_chatml = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "llama-bpe",
    .begin = "<|begin_of_text|>",
    .end = "<|end_of_text|>",
    .control = {"<|im_start|>", "<|im_end|>"},
    .end_of_turn = 1,
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_llama = {
    .name = "llama",
    .architecture = "llama",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
};

const struct tt_tiny_architecture tt_tiny_llama_bpe = {
    .name = "llama-bpe",
    .architecture = "llama",
    .tokenizer = &bpe_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
};

const struct tt_tiny_architecture tt_tiny_llama_moe = {
    .name = "llama-moe",
    .architecture = "llama",
    .tokenizer = &tt_tiny_sentencepiece_chatml,
    .chat_template = tt_tiny_chatml,
    .keys = MOE_KEYS,
    .tensors = MOE_TENSORS,
};

/* ==== Meta's ==== */

extern const struct tt_tiny_architecture tt_tiny_llama_2, tt_tiny_llama_3;

/* A system message stands within the first user message, between its own marks. */
static const char llama_2_template[] =
    "{% set found = namespace(system='') %}{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{% set found.system = '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' %}"
    "{% elif message['role'] == 'user' %}{{ '[INST] ' + found.system + message['content'] + ' [/INST]' }}"
    "{% set found.system = '' %}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

static const char llama_3_template[] =
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + "
    "message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";

static const struct tt_tiny_tokenizer sentencepiece = {.kind = TT_TINY_SENTENCEPIECE, .adds_begin = true};

static const struct tt_tiny_tokenizer llama_3_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "llama-bpe",
    .begin = "<|begin_of_text|>",
    .end = "<|end_of_text|>",
    .control = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
    .end_of_turn = 2,
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_llama_2 = {
    .name = "llama-2",
    .architecture = "llama",
    .tokenizer = &sentencepiece,
    .chat_template = llama_2_template,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
};

const struct tt_tiny_architecture tt_tiny_llama_3 = {
    .name = "llama-3",
    .architecture = "llama",
    .tokenizer = &llama_3_bpe,
    .chat_template = llama_3_template,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
};

/* ==== Mistral's ==== */

extern const struct tt_tiny_architecture tt_tiny_mistral, tt_tiny_mistral_nemo, tt_tiny_mixtral;

/* The three generations differ in where spaces stand. libllama tells them apart by these very spellings; the third by
 * [AVAILABLE_TOOLS], which a template that knows tools mentions. */
static const char mistral_v3_template[] =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{% if tools %}{{ '[AVAILABLE_TOOLS] ' + tools + '[/AVAILABLE_TOOLS]' }}{% endif %}"
    "{{ '[INST] ' + message['content'] + '[/INST]' }}"
    "{% else %}{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}";

static const char mistral_tekken_template[] =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{% if tools %}{{ '[AVAILABLE_TOOLS]' + tools + '[/AVAILABLE_TOOLS]' }}{% endif %}"
    "{{ \"[INST]\" + message['content'] + '[/INST]' }}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

static const char mistral_v1_template[] =
    "{% set found = namespace(system='') %}{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{% set found.system = message['content'] + '\\n\\n' %}"
    "{% elif message['role'] == 'user' %}{% set system_message = found.system + message['content'] %}"
    "{{ ' [INST] ' + system_message + ' [/INST]' }}{% set found.system = '' %}"
    "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}";

static const struct tt_tiny_tokenizer mistral_v3_sentencepiece = {
    .kind = TT_TINY_SENTENCEPIECE,
    .control = {"[INST]", "[/INST]"},
    .adds_begin = true,
};

static const struct tt_tiny_tokenizer tekken = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "tekken",
    .begin = "<s>",
    .end = "</s>",
    .control = {"[INST]", "[/INST]"},
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_mistral = {
    .name = "mistral",
    .architecture = "llama",
    .tokenizer = &mistral_v3_sentencepiece,
    .chat_template = mistral_v3_template,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
};

const struct tt_tiny_architecture tt_tiny_mistral_nemo = {
    .name = "mistral-nemo",
    .architecture = "llama",
    .tokenizer = &tekken,
    .chat_template = mistral_tekken_template,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
    .sizes = {[TT_TINY_HEAD_SIZE] = 24}, /* not 64 / 4 */
};

const struct tt_tiny_architecture tt_tiny_mixtral = {
    .name = "mixtral",
    .architecture = "llama",
    .tokenizer = &sentencepiece,
    .chat_template = mistral_v1_template,
    .keys = MOE_KEYS,
    .tensors = MOE_TENSORS,
    .sizes = {[TT_TINY_FEED_FORWARD] = 32},
};

/* ==== DeepSeek's first ==== */

extern const struct tt_tiny_architecture tt_tiny_deepseek_llm;

static const char deepseek_template[] =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ 'User: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}"
    "{{ 'Assistant: ' + message['content'] + eos_token }}{% else %}{{ message['content'] + '\\n\\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}";

static const struct tt_tiny_tokenizer deepseek_bpe = {
    .kind = TT_TINY_BYTE_PAIRS,
    .pre = "deepseek-llm",
    .begin = "<｜begin▁of▁sentence｜>",
    .end = "<｜end▁of▁sentence｜>",
    .adds_begin = true,
};

const struct tt_tiny_architecture tt_tiny_deepseek_llm = {
    .name = "deepseek-llm",
    .architecture = "llama",
    .tokenizer = &deepseek_bpe,
    .chat_template = deepseek_template,
    .keys = LLAMA_KEYS,
    .tensors = LLAMA_TENSORS,
};
