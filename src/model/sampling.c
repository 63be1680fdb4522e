/* sampling.c: see sampling.h
 *
 * libllama has every sampler, and chains them; the caller chooses which ones, their order and their values. Here they
 * follow llama-completion 0.7, so that the same options and seed choose the same tokens. */
#include "model/sampling.h"
#include "base/memory.h"
#include "model/internal.h"
#include "model/token.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { MIROSTAT_TOKENS = 100 };

struct tt_sampler {
    const tt_model *model;
    struct llama_sampler *chain;
    struct llama_sampler *grammar;   /* NULL for none */
    char *behind;                    /* the text that the grammar waits for; NULL for none */
    bool waits;                      /* it has not come yet */
    char recent[2 * TT_TOKEN_BYTES]; /* while it waits: the end of what was written */
    size_t recent_length;
    llama_token_data *candidates; /* one for each token */
    size_t vocabulary;
    uint32_t seed;
};

/* ==== The chain ==== */

typedef struct chain_maker {
    const tt_model *model;
    const tt_sampling *sampling;
    uint32_t seed;
    struct llama_sampler *chain;
    bool adaptive;
} chain_maker;

static bool add(chain_maker *maker, struct llama_sampler *sampler, tt_error *err) {
    if (!sampler) return tt_fail(err, TT_ERROR_MEMORY, "libllama cannot make a sampler: out of memory");
    llama_sampler_chain_add(maker->chain, sampler);
    return true;
}

static struct llama_sampler *make_penalties(const chain_maker *m) {
    const tt_sampling *s = m->sampling;
    return llama_sampler_init_penalties(llama_vocab_n_tokens(m->model->vocabulary), s->repeat_last_n, s->repeat_penalty,
                                        s->frequency_penalty, s->presence_penalty);
}

static struct llama_sampler *make_dry(const chain_maker *m) {
    const tt_sampling *s = m->sampling;
    const char *breakers[TT_BREAKERS_MOST];
    memcpy(breakers, s->dry_breakers.items, sizeof breakers);
    return llama_sampler_init_dry(m->model->vocabulary, s->dry_multiplier, s->dry_base, s->dry_allowed_length, s->dry_last_n,
                                  breakers, s->dry_breakers.count);
}

static struct llama_sampler *make_top_n_sigma(const chain_maker *m) {
    return llama_sampler_init_top_n_sigma(m->sampling->top_n_sigma);
}
static struct llama_sampler *make_top_k(const chain_maker *m) { return llama_sampler_init_top_k(m->sampling->top_k); }
static struct llama_sampler *make_typical(const chain_maker *m) {
    return llama_sampler_init_typical(m->sampling->typical_p, (size_t)m->sampling->min_keep);
}
static struct llama_sampler *make_top_p(const chain_maker *m) {
    return llama_sampler_init_top_p(m->sampling->top_p, (size_t)m->sampling->min_keep);
}
static struct llama_sampler *make_min_p(const chain_maker *m) {
    return llama_sampler_init_min_p(m->sampling->min_p, (size_t)m->sampling->min_keep);
}
static struct llama_sampler *make_infill(const chain_maker *m) { return llama_sampler_init_infill(m->model->vocabulary); }

static struct llama_sampler *make_xtc(const chain_maker *m) {
    return llama_sampler_init_xtc(m->sampling->xtc_probability, m->sampling->xtc_threshold, (size_t)m->sampling->min_keep,
                                  m->seed);
}

static struct llama_sampler *make_temperature(const chain_maker *m) {
    return llama_sampler_init_temp_ext(m->sampling->temperature, m->sampling->dynamic_range, m->sampling->dynamic_exponent);
}

/* adaptive-p chooses a token, so it goes to the end of the chain wherever it was named; NULL marks it. */
static const struct {
    const char *name;
    char letter;
    struct llama_sampler *(*make)(const chain_maker *maker);
} kinds[] = {
    {"penalties", 'e', make_penalties}, {"dry", 'd', make_dry},       {"top_n_sigma", 's', make_top_n_sigma},
    {"top_k", 'k', make_top_k},         {"typ_p", 'y', make_typical}, {"top_p", 'p', make_top_p},
    {"min_p", 'm', make_min_p},         {"xtc", 'x', make_xtc},       {"temperature", 't', make_temperature},
    {"infill", 'i', make_infill},       {"adaptive_p", 'a', NULL},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool add_by_name(chain_maker *maker, const char *name, size_t length, tt_error *err) {
    for (size_t i = 0; i < KINDS; i++) {
        if (strlen(kinds[i].name) != length || strncmp(kinds[i].name, name, length) != 0) continue;
        if (kinds[i].make) return add(maker, kinds[i].make(maker), err);
        maker->adaptive = true;
        return true;
    }
    return tt_fail(
        err, TT_ERROR_USAGE,
        "'%.*s' is no sampler; there are penalties, dry, top_n_sigma, top_k, typ_p, top_p, min_p, xtc, temperature, "
        "infill and adaptive_p",
        (int)length, name);
}

static bool add_by_letter(chain_maker *maker, char letter, tt_error *err) {
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].letter == letter) return add_by_name(maker, kinds[i].name, strlen(kinds[i].name), err);
    return tt_fail(err, TT_ERROR_USAGE, "'%c' stands for no sampler; there are e, d, s, k, y, p, m, x, t, i and a", letter);
}

static bool add_in_order(chain_maker *maker, tt_error *err) {
    const tt_sampling *s = maker->sampling;
    for (const char *letter = s->letters; letter && *letter; letter++)
        if (!add_by_letter(maker, *letter, err)) return false;
    for (const char *at = s->letters ? "" : s->order; *at;) {
        const size_t length = strcspn(at, ";");
        if (!add_by_name(maker, at, length, err)) return false;
        at += length + (at[length] == ';');
    }
    return add(maker,
               maker->adaptive ? llama_sampler_init_adaptive_p(s->adaptive_target, s->adaptive_decay, maker->seed)
                               : llama_sampler_init_dist(maker->seed),
               err);
}

static bool add_mirostat(chain_maker *maker, tt_error *err) {
    const tt_sampling *s = maker->sampling;
    if (!add(maker, llama_sampler_init_temp(s->temperature), err)) return false;
    return add(maker,
               s->mirostat == 1 ? llama_sampler_init_mirostat(llama_vocab_n_tokens(maker->model->vocabulary), maker->seed,
                                                              s->mirostat_entropy, s->mirostat_rate, MIROSTAT_TOKENS)
                                : llama_sampler_init_mirostat_v2(maker->seed, s->mirostat_entropy, s->mirostat_rate),
               err);
}

/* The caller's biases; the tokens that the model says must never be written; and with --ignore-eos those that end a
 * text. */
static bool add_biases(chain_maker *maker, tt_error *err) {
    const tt_sampling *s = maker->sampling;
    const struct llama_vocab *vocabulary = maker->model->vocabulary;
    const int32_t size = llama_vocab_n_tokens(vocabulary);
    int32_t suppressed = 0;
    const llama_token *suppress = llama_vocab_get_suppress_tokens(vocabulary, &suppressed);
    llama_logit_bias *all = tt_alloc(s->bias_count + (size_t)suppressed + (size_t)size, sizeof *all, err);
    if (!all) return false;
    int32_t count = 0;
    bool ok = true;
    for (size_t i = 0; i < s->bias_count && ok; i++) {
        all[count++] = (llama_logit_bias){s->biases[i].token, s->biases[i].bias};
        if (s->biases[i].token < 0 || s->biases[i].token >= size)
            ok = tt_fail(err, TT_ERROR_USAGE, "--logit-bias names token %d; this model's are 0 to %d", s->biases[i].token,
                         size - 1);
    }
    for (int32_t i = 0; i < suppressed; i++) all[count++] = (llama_logit_bias){suppress[i], -INFINITY};
    for (int32_t token = 0; s->ignore_end && token < size; token++)
        if (llama_vocab_is_eog(vocabulary, token)) all[count++] = (llama_logit_bias){token, -INFINITY};
    if (ok && count) ok = add(maker, llama_sampler_init_logit_bias(size, count, all), err);
    free(all);
    return ok;
}

enum { NESTED_MOST = 100 };

/* libllama's parser recurses for each parenthesis, and would run out of stack. */
static bool check_nesting(const char *grammar, tt_error *err) {
    int depth = 0;
    char quote = 0; /* the end of the current text, character class or comment */
    for (const char *at = grammar; *at; at++) {
        if (quote) {
            if (*at == '\\' && quote != '\n' && at[1])
                at++;
            else if (*at == quote)
                quote = 0;
            continue;
        }
        quote = *at == '"' ? '"' : *at == '[' ? ']' : *at == '#' ? '\n' : 0;
        depth += (*at == '(') - (*at == ')');
        if (depth > NESTED_MOST)
            return tt_fail(err, TT_ERROR_USAGE, "the grammar has more than %d parentheses inside one another", NESTED_MOST);
    }
    return true;
}

static bool open_grammar(tt_sampler *sampler, const tt_model *model, const tt_sampling *sampling, tt_error *err) {
    const char *grammar = sampling->grammar, *behind = sampling->grammar_behind;
    if (!check_nesting(grammar, err) || (behind && !(sampler->behind = tt_strdup(behind, err)))) return false;
    if (behind && strlen(behind) > TT_TOKEN_BYTES)
        return tt_fail(err, TT_ERROR_USAGE, "the text that a grammar waits for has more than %d bytes", TT_TOKEN_BYTES);
    sampler->waits = behind != NULL;
    tt_engine_forget(model->engine);
    sampler->grammar = llama_sampler_init_grammar(model->vocabulary, grammar, "root");
    if (sampler->grammar) return true;
    char reason[TT_ENGINE_REASON];
    return tt_fail(err, TT_ERROR_USAGE, "libllama cannot read the grammar%s; it should be GBNF with a rule named root",
                   tt_engine_reason(model->engine, reason));
}

static bool take_seed(tt_sampler *sampler, int64_t wanted, tt_error *err) {
    sampler->seed = (uint32_t)wanted;
    if (wanted >= 0) return true;
    ssize_t got;
    do got = getrandom(&sampler->seed, sizeof sampler->seed, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof sampler->seed) return tt_fail_errno(err, "no random seed to be had");
    if (sampler->seed == LLAMA_DEFAULT_SEED) sampler->seed = 0; /* libllama reads that one as "random" */
    return true;
}

tt_sampler *tt_sampler_open(const tt_model *model, const tt_sampling *sampling, tt_error *err) {
    if (!tt_sampling_check(sampling, err)) return NULL;
    tt_sampler *sampler = tt_alloc(1, sizeof *sampler, err);
    if (!sampler) return NULL;
    sampler->model = model;
    sampler->vocabulary = (size_t)llama_vocab_n_tokens(model->vocabulary);
    sampler->candidates = tt_alloc(sampler->vocabulary, sizeof *sampler->candidates, err);
    struct llama_sampler_chain_params params = llama_sampler_chain_default_params();
    params.no_perf = true;
    sampler->chain = llama_sampler_chain_init(params);
    if (sampler->candidates && sampler->chain && take_seed(sampler, sampling->seed, err)) {
        chain_maker maker = {model, sampling, sampler->seed, sampler->chain, false};
        if (add_biases(&maker, err) && (sampling->mirostat ? add_mirostat(&maker, err) : add_in_order(&maker, err)) &&
            (!sampling->grammar || open_grammar(sampler, model, sampling, err)))
            return sampler;
    }
    tt_sampler_close(sampler);
    return NULL;
}

void tt_sampler_close(tt_sampler *sampler) {
    if (!sampler) return;
    if (sampler->chain) llama_sampler_free(sampler->chain);
    if (sampler->grammar) llama_sampler_free(sampler->grammar);
    free(sampler->candidates);
    free(sampler->behind);
    free(sampler);
}

/* ==== In use ==== */

uint32_t tt_sampler_seed(const tt_sampler *sampler) { return sampler->seed; }

void tt_sampler_reset(tt_sampler *sampler) {
    llama_sampler_reset(sampler->chain);
    if (sampler->grammar) llama_sampler_reset(sampler->grammar);
    sampler->waits = sampler->behind != NULL;
    sampler->recent_length = 0;
}

void tt_sampler_read(tt_sampler *sampler, const tt_tokens *tokens) {
    for (size_t i = 0; i < tokens->count; i++) llama_sampler_accept(sampler->chain, tokens->ids[i]);
}

static bool are_numbers(const float *values, size_t count) {
    int bad = 0;
    for (size_t i = 0; i < count; i++) bad |= isnan(values[i]);
    return !bad;
}

static llama_token_data_array candidates_of(tt_sampler *sampler, const float *logits) {
    for (size_t i = 0; i < sampler->vocabulary; i++)
        sampler->candidates[i] = (llama_token_data){(llama_token)i, logits[i], 0};
    return (llama_token_data_array){sampler->candidates, sampler->vocabulary, -1, false};
}

static llama_token chosen(const llama_token_data_array *candidates) {
    return candidates->selected < 0 ? TT_NO_TOKEN : candidates->data[candidates->selected].id;
}

static bool grammar_allows(tt_sampler *sampler, llama_token token) {
    llama_token_data one = {token, 1, 0};
    llama_token_data_array alone = {&one, 1, -1, false};
    llama_sampler_apply(sampler->grammar, &alone);
    return one.logit != -INFINITY;
}

/* Checking every token against the grammar is slow, so only the chosen one is checked, and all of them only if it is
 * refused. */
static llama_token choose_by_grammar(tt_sampler *sampler, const float *logits, llama_token token) {
    if (token >= 0 && grammar_allows(sampler, token)) return token;
    llama_token_data_array candidates = candidates_of(sampler, logits);
    llama_sampler_apply(sampler->grammar, &candidates);
    llama_sampler_apply(sampler->chain, &candidates);
    token = chosen(&candidates);
    return token >= 0 && grammar_allows(sampler, token) ? token : TT_NO_TOKEN;
}

/* Whether the text that the grammar waits for has come with `token`. Of what was written only the end is kept. */
static void look_for_begin(tt_sampler *sampler, llama_token token) {
    const size_t size = strlen(sampler->behind);
    if (sampler->recent_length > TT_TOKEN_BYTES) { /* which is more than the text has */
        const size_t kept = TT_TOKEN_BYTES;
        memmove(sampler->recent, sampler->recent + sampler->recent_length - kept, kept);
        sampler->recent_length = kept;
    }
    sampler->recent_length += tt_token_bytes(sampler->model, token, true, sampler->recent + sampler->recent_length);
    sampler->waits = !memmem(sampler->recent, sampler->recent_length, sampler->behind, size);
}

int32_t tt_sampler_choose(tt_sampler *sampler, const float *logits) {
    if (!are_numbers(logits, sampler->vocabulary)) return TT_NOT_A_NUMBER;
    llama_token_data_array candidates = candidates_of(sampler, logits);
    llama_sampler_apply(sampler->chain, &candidates);
    llama_token token = chosen(&candidates);
    const bool bound = sampler->grammar && !sampler->waits;
    if (bound) token = choose_by_grammar(sampler, logits, token);
    if (token < 0) return TT_NO_TOKEN;
    if (bound) llama_sampler_accept(sampler->grammar, token);
    if (sampler->waits) look_for_begin(sampler, token);
    llama_sampler_accept(sampler->chain, token);
    return token;
}
