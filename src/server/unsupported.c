/* unsupported.c: what clients may ask for and this server has not: refused by name where leaving it out would change the
 * answer, unless its value asks for nothing. */
#include "server/request.h"

#include <string.h>

typedef struct lack {
    const char *name;
    double neutral; /* a number that asks for nothing; else null, false, 0, "", [] and {} do */
    const char *why;
} lack;

static const char freely[] = "a grammar or a JSON schema is all that an answer can be held to here";
static const char sampler[] = "this server has no such sampler";

static const lack lacks[] = {
    /* OpenAI's */
    {"suffix", 0, "this server writes on from a prompt, and knows nothing of what is to follow"},
    {"best_of", 1, "use 'n', and choose yourself"},
    {"web_search_options", 0, "this server looks nothing up"},
    /* llama.cpp's */
    {"post_sampling_probs", 0, "log-probabilities are the model's own, before any sampler"},
    {"t_max_predict_ms", 0, "use 'max_tokens'"},
    {"n_indent", 0, freely},
    {"lora", 0, "this server has no LoRA adapters"},
    {"grammar_triggers", 0, freely},
    {"reasoning_budget_tokens", -1, "use 'max_tokens'"},
    /* vLLM's */
    {"guided_regex", 0, freely},
    {"min_tokens", 0, "use 'ignore_eos' with 'max_tokens'"},
    {"stop_token_ids", 0, "use 'stop'"},
    {"include_stop_str_in_output", 0, "the text ends before what stops it"},
    {"allowed_token_ids", 0, freely},
    {"bad_words", 0, "use 'logit_bias'"},
    {"truncate_prompt_tokens", 0, "shorten the prompt"},
    {"prompt_logprobs", 0, "use 'echo' with 'logprobs' on /v1/completions"},
    {"use_beam_search", 0, sampler},
    {"chat_template", 0, "the server chose one (--chat-template)"},
    /* text-generation-webui's and KoboldCpp's */
    {"banned_tokens", 0, "use 'custom_token_bans' or 'logit_bias'"},
    {"banned_strings", 0, "use 'logit_bias' to ban tokens"},
    {"num_beams", 1, sampler},
    {"penalty_alpha", 0, sampler},
    {"guidance_scale", 1, sampler},
    {"smoothing_factor", 0, sampler},
    {"epsilon_cutoff", 0, sampler},
    {"eta_cutoff", 0, sampler},
    {"top_a", 0, sampler},
    {"tfs", 1, sampler},
    {"dynamic_temperature", 0, "use 'dynatemp_range'"},
    {"temperature_last", 0, "use 'samplers'"},
    {"sampler_order", 0, "use 'samplers'"},
    {"sampler_priority", 0, "use 'samplers'"},
};

/* True where the value asks for nothing. */
static bool asks_for_nothing(yyjson_val *value, double neutral) {
    if (!value || yyjson_is_false(value)) return true;
    const double number = yyjson_get_num(value);
    if (yyjson_is_num(value)) return number == neutral || number == 0 || (neutral < 0 && number < 0);
    if (yyjson_is_str(value)) return yyjson_get_len(value) == 0;
    return yyjson_is_ctn(value) && yyjson_get_len(value) == 0;
}

/* Tools that may not be called need not be known. */
static void refuse_tools(tt_fields *fields, const char *list, const char *choice) {
    const char *chosen = yyjson_get_str(tt_fields_get(fields, choice));
    if (asks_for_nothing(tt_fields_get(fields, list), 0) || (chosen && !strcmp(chosen, "none"))) return;
    tt_fields_refuse(
        fields, list,
        "'%s' is not supported: this server writes text and calls nothing; leave it out, or send '%s': \"none\"", list,
        choice);
}

static void refuse_modalities(tt_fields *fields) {
    yyjson_val *list = tt_fields_get(fields, "modalities"), *item;
    size_t index, count;
    yyjson_arr_foreach(list, index, count, item) {
        if (!yyjson_equals_str(item, "text"))
            tt_fields_refuse(fields, "modalities", "'modalities' can only be [\"text\"] here");
    }
}

void tt_request_refuse_unsupported(tt_fields *fields) {
    refuse_tools(fields, "tools", "tool_choice");
    refuse_tools(fields, "functions", "function_call");
    refuse_modalities(fields);
    for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++)
        if (!asks_for_nothing(tt_fields_get(fields, lacks[i].name), lacks[i].neutral))
            tt_fields_refuse(fields, lacks[i].name, "'%s' is not supported: %s", lacks[i].name, lacks[i].why);
}
