/* architectures.c: see architectures.h
 *
 * The architectures are those of libllama 0.7 (LLM_ARCH_NAMES in llama.cpp's src/llama-arch.cpp). Which Hugging Face models
 * become which is from the classes that llama.cpp's conversion/ registers for each; the model_type of a class is what its
 * config.json says, as in the configuration classes of the transformers package. */
#include "apply/architectures.h"

#include <ctype.h>
#include <string.h>

/* `types`: the model_types with a space between them. The architecture's own name is one without being listed. */
typedef struct row {
    const char *architecture, *types;
} row;

static const row rows[] = {
    {"llama", "mistral mixtral ministral yi aquila internlm internlm3 llava llava_next vipllava voxtral ultravox janus "
              "multi_modality sarashina2_vision iquestcoder videollama3 idefics3 smolvlm"},
    {"llama4", "llama4_text"},
    {"deci", "nemotron-nas decilm"},
    {"falcon", "RefinedWeb RefinedWebModel"},
    {"grok", "grok-1 grok-2"},
    {"gpt2", "gpt2 rugpt3xl"},
    {"gptj", "gptj"},
    {"gptneox", "gpt_neox"},
    {"mpt", "mpt"},
    {"baichuan", "baichuan"},
    {"starcoder", "gpt_bigcode"},
    {"refact", "gpt_refact"},
    {"bert", "distilbert roberta xlm-roberta camembert"},
    {"modern-bert", "modernbert"},
    {"nomic-bert", "nomic_bert"},
    {"nomic-bert-moe", "nomic_bert"},
    {"neo-bert", "neobert"},
    {"jina-bert-v2", "bert jina_bert"},
    {"jina-bert-v3", "xlm-roberta xlm-roberta-flash"},
    {"eurobert", "eurobert"},
    {"bloom", "bloom"},
    {"stablelm", "stablelm_epoch"},
    {"qwen", "qwen"},
    {"qwen2", "qwen2_audio qwen2_audio_encoder kormo dots_ocr audioflamingo3"},
    {"qwen2moe", "qwen2_moe"},
    {"qwen2vl", "qwen2_vl qwen2_vl_text qwen2_5_vl qwen2_5_vl_text qwen2_5_omni qwen2_5_omni_text"},
    {"qwen3", "qwen3 step_vl"},
    {"qwen3moe", "qwen3_moe"},
    {"qwen3next", "qwen3_next"},
    {"qwen3vl", "qwen3_vl qwen3_vl_text qwen3_asr"},
    {"qwen3vlmoe", "qwen3_vl_moe qwen3_vl_moe_text qwen3_omni_moe qwen3_omni_moe_text"},
    {"qwen35", "qwen3_5 qwen3_5_text minicpmv4_6"},
    {"qwen35moe", "qwen3_5_moe qwen3_5_moe_text"},
    {"qwen4exp", "qwen4_exp"},
    {"qwen3tts", "qwen3_tts"},
    {"phi2", "phi phi-msft"},
    {"phi3", "phi3small phi3_v phi4 phi4_multimodal phi4mm"},
    {"phimoe", "phimoe phi3.5moe"},
    {"plamo", "plamo"},
    {"plamo2", "plamo2"},
    {"plamo3", "plamo3"},
    {"codeshell", "codeshell"},
    {"orion", "orion"},
    {"internlm2", "internlm2"},
    {"minicpm", "minicpm"},
    {"minicpm3", "minicpm3"},
    {"gemma", "gemma"},
    {"gemma2", "gemma2"},
    {"gemma3", "gemma3_text"},
    {"gemma3n", "gemma3n_text"},
    {"gemma4", "gemma4_text gemma4_unified"},
    {"gemma4-assistant", "gemma4_assistant gemma4_unified_assistant"},
    {"gemma-embedding", "gemma3_text"},
    {"starcoder2", "starcoder2"},
    {"mamba", "falcon_mamba"},
    {"mamba2", "mamba2"},
    {"maple", "maple"},
    {"jamba", "jamba"},
    {"falcon-h1", "falcon_h1"},
    {"xverse", "xverse"},
    {"command-r", "cohere aya"},
    {"cohere2", "cohere2_vision"},
    {"cohere2moe", "cohere2_moe"},
    {"dbrx", "dbrx"},
    {"olmo", "hf_olmo"},
    {"olmo2", "olmo3"},
    {"olmoe", "olmoe"},
    {"muse-glimmer", "muse_glimmer"},
    {"openelm", "openelm"},
    {"arctic", "arctic"},
    {"deepseek", "deepseek"},
    {"deepseek2", "deepseek_v2 deepseek_v3 deepseek_vl_v2 deepseek_ocr kimi_k2 kimi_vl kimi_k25 youtu youtu_vl "
                  "glm4_moe_lite"},
    {"deepseek2-ocr", "deepseek_ocr deepseek_vl_v2"},
    {"deepseek32", "deepseek_v32"},
    {"deepseek4", "deepseek_v4"},
    {"chatglm", "glm"},
    {"glm4", "glm4v glm4v_text glm_ocr glm_ocr_text"},
    {"glm4moe", "glm4_moe glm4v_moe glm4v_moe_text solar_open"},
    {"glm-dsa", "glm_moe_dsa"},
    {"glm5-next", "glm5_next"},
    {"bitnet", "bitnet"},
    {"t5", "mt5 umt5"},
    {"t5encoder", "t5"},
    {"jais", "jais"},
    {"jais2", "jais2"},
    {"nemotron", "nemotron"},
    {"nemotron_h", "nemotron_h"},
    {"nemotron_h_moe", "nemotron_h nemotron_h_puzzle"},
    {"exaone", "exaone"},
    {"exaone4", "exaone4_5"},
    {"exaone-moe", "exaone_moe"},
    {"rwkv6", "rwkv6"},
    {"rwkv6qwen2", "rwkv6qwen2"},
    {"rwkv7", "rwkv7"},
    {"arwkv7", "rwkv_hybrid"},
    {"granite", "granite"},
    {"granitemoe", "granitemoeshared"},
    {"granitehybrid", "granitemoehybrid bamba"},
    {"graniteswitch", "granite_switch"},
    {"granite_swa", "granite_moe_swa"},
    {"chameleon", "chameleon"},
    {"plm", "plm"},
    {"bailingmoe", "bailing_moe"},
    {"bailingmoe2", "bailing_moe bailing_moe_v2 bailing_moe_linear sarvam_moe"},
    {"bailingmoe3", "bailing_moe_v3 bailing_moe_v3_vl"},
    {"dots1", "dots1"},
    {"dots3note", "dots3_note dots3_note_text"},
    {"arcee", "arcee"},
    {"afmoe", "afmoe"},
    {"laguna", "laguna"},
    {"ernie4_5", "ernie4_5"},
    {"ernie4_5-moe", "ernie4_5_moe"},
    {"hunyuan-moe", "hunyuan hunyuan_v1_moe"},
    {"hunyuan-dense", "hunyuan_v1_dense"},
    {"hunyuan_vl", "hunyuan_vl hunyuan_vl_text"},
    {"hy_v3", "hy_v3"},
    {"hy_v4", "hy_v4"},
    {"smollm3", "smollm3"},
    {"gpt-oss", "gpt_oss"},
    {"lfm2", "lfm2_vl lfm2_audio"},
    {"lfm2moe", "lfm2_moe"},
    {"dream", "dream"},
    {"smallthinker", "smallthinker"},
    {"llada", "llada"},
    {"llada-moe", "lladamoe"},
    {"seed_oss", "seed_oss"},
    {"grovemoe", "grove_moe"},
    {"apertus", "apertus"},
    {"minimax-01", "minimax minimax_text_01 minimax_m1"},
    {"minimax-m2", "minimax_m2"},
    {"minimax-m3", "minimax_m3 minimax_m3_sparse minimax_m3_vl"},
    {"hrm_text", "hrm_text"},
    {"cogvlm", "cogvlm cogvlm2"},
    {"rnd1", "rnd1"},
    {"pangu-embedded", "PanguEmbedded"},
    {"mistral3", "mistral ministral ministral3"},
    {"mistral4", "mistral3 mistral4"},
    {"eagle3", "llama"},
    {"dflash", "qwen3"},
    {"paddleocr", "paddleocr_vl"},
    {"mimo2", "mimo_v2 mimo_v2_flash"},
    {"step35", "step3p5 step3p7"},
    {"spark2_5", "spark2_5"},
    {"llama-embed", "llama_bidirec llama"},
    {"maincoder", "maincoder"},
    {"kimi-linear", "kimi_linear"},
    {"kimi-k3", "kimi_k3"},
    {"talkie", "talkie"},
    {"mellum", "mellum"},
    {"nanbeige", "nanbeige"},
    {"pockettts", "pockettts"},
};

static bool is_mark(char c) { return c == '-' || c == '_' || c == '.'; }

/* `a` (up to its end) and the first `length` bytes of `b`, without regard to case and marks. */
static bool same_name(const char *a, const char *b, size_t length) {
    const char *end = b + length;
    for (;;) {
        while (is_mark(*a)) a++;
        while (b < end && is_mark(*b)) b++;
        if (!*a || b == end) return !*a && b == end;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) return false;
        a++;
        b++;
    }
}

static bool is_listed(const char *hint, const char *types) {
    for (const char *type = types; *type;) {
        const size_t length = strcspn(type, " ");
        if (same_name(hint, type, length)) return true;
        type += length + (type[length] == ' ');
    }
    return false;
}

/* Some tools write the name of a class, "MistralForCausalLM": how long the part before its task is. */
static size_t length_without_task(const char *hint) {
    static const char *const tasks[] = {"ForCausalLM", "ForConditionalGeneration", "LMHeadModel"};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        const char *task = strstr(hint, tasks[i]);
        if (task && task != hint && !task[strlen(tasks[i])]) return (size_t)(task - hint);
    }
    return 0;
}

bool tt_architecture_is(const char *hint, const char *architecture) {
    char name[64];
    const size_t length = length_without_task(hint);
    if (length && length < sizeof name) {
        memcpy(name, hint, length);
        name[length] = '\0';
        return tt_architecture_is(name, architecture);
    }
    if (same_name(hint, architecture, strlen(architecture))) return true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].architecture, architecture)) return is_listed(hint, rows[i].types);
    return false;
}
