/* test_sampling.c: the sampler's defaults, its checks, and that every option has its effect. */
#include "model/pieces.h"
#include "model/sampling.h"
#include "model/token.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tt_open_model tiny;
static uint32_t vocabulary;
static float *logits; /* token i has logit -i / 10: token 0 is the likeliest, and all are possible */

static int begin(void **) {
    tt_open_model_begin(&tiny, NULL);
    vocabulary = tt_model_facts_of(tiny.model)->vocabulary;
    logits = calloc(vocabulary, sizeof *logits);
    return logits ? 0 : -1;
}

static int end(void **) {
    free(logits);
    tt_open_model_end(&tiny);
    return 0;
}

static int reset_logits(void **) {
    for (uint32_t i = 0; i < vocabulary; i++) logits[i] = -0.1F * (float)i;
    return 0;
}

static tt_sampler *make(const tt_sampling *sampling) {
    tt_error err = {0};
    tt_sampler *sampler = tt_sampler_open(tiny.model, sampling, &err);
    if (!sampler) fail_msg("%s", err.message);
    return sampler;
}

static void assert_refused(const tt_sampling *sampling, const char *part) {
    tt_error err = {0};
    assert_null(tt_sampler_open(tiny.model, sampling, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
    if (!strstr(err.message, part)) fail_msg("'%s' does not say '%s'", err.message, part);
}

/* The highest token among `draws` ones, which tells how far down the list the options let the sampler go. */
static int32_t deepest(const tt_sampling *sampling, int draws) {
    tt_sampler *sampler = make(sampling);
    int32_t most = 0;
    for (int i = 0; i < draws; i++) {
        const int32_t token = tt_sampler_choose(sampler, logits);
        assert_true(token >= 0);
        if (token > most) most = token;
    }
    tt_sampler_close(sampler);
    return most;
}

/* Every filter off: the whole vocabulary is possible. */
static tt_sampling wide_open(void) {
    tt_sampling sampling = tt_sampling_defaults();
    sampling.seed = 7;
    sampling.top_k = 0;
    sampling.top_p = 1;
    sampling.min_p = 0;
    sampling.temperature = 1;
    return sampling;
}

/* The figures that `llama-completion --help` of 0.7 gives. */
static void defaults_are_those_of_llama_cpp(void **) {
    const tt_sampling s = tt_sampling_defaults();
    assert_int_equal(s.seed, -1);
    assert_int_equal(s.top_k, 40);
    assert_float_equal(s.top_p, 0.95, 1e-7);
    assert_float_equal(s.min_p, 0.05, 1e-7);
    assert_float_equal(s.temperature, 0.8, 1e-7);
    assert_float_equal(s.typical_p, 1, 0);
    assert_float_equal(s.top_n_sigma, -1, 0);
    assert_int_equal(s.repeat_last_n, 64);
    assert_float_equal(s.repeat_penalty, 1, 0);
    assert_float_equal(s.presence_penalty, 0, 0);
    assert_float_equal(s.frequency_penalty, 0, 0);
    assert_float_equal(s.xtc_probability, 0, 0);
    assert_float_equal(s.xtc_threshold, 0.1, 1e-7);
    assert_float_equal(s.dry_multiplier, 0, 0);
    assert_float_equal(s.dry_base, 1.75, 0);
    assert_int_equal(s.dry_allowed_length, 2);
    assert_int_equal(s.dry_last_n, 64);
    assert_int_equal(s.dry_breakers.count, 4);
    assert_int_equal(s.mirostat, 0);
    assert_float_equal(s.mirostat_rate, 0.1, 1e-7);
    assert_float_equal(s.mirostat_entropy, 5, 0);
    assert_string_equal(s.order, "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature");
}

static void seed_repeats_and_reset_begins_anew(void **) {
    tt_sampling sampling = wide_open();
    tt_sampler *one = make(&sampling), *same = make(&sampling);
    sampling.seed = 8;
    tt_sampler *other = make(&sampling);
    int32_t first[64];
    int different = 0;
    for (size_t i = 0; i < 64; i++) {
        first[i] = tt_sampler_choose(one, logits);
        assert_int_equal(tt_sampler_choose(same, logits), first[i]);
        different += tt_sampler_choose(other, logits) != first[i];
    }
    assert_true(different > 30);
    tt_sampler_reset(one);
    for (size_t i = 0; i < 64; i++) assert_int_equal(tt_sampler_choose(one, logits), first[i]);
    tt_sampler_close(one);
    tt_sampler_close(same);
    tt_sampler_close(other);
}

static void random_seed_is_told_and_kept(void **) {
    tt_sampling sampling = wide_open();
    sampling.seed = TT_SEED_RANDOM;
    tt_sampler *one = make(&sampling), *other = make(&sampling);
    assert_int_not_equal(tt_sampler_seed(one), tt_sampler_seed(other)); /* once in four thousand million runs */
    sampling.seed = tt_sampler_seed(one);
    tt_sampler *again = make(&sampling);
    int32_t drawn[16];
    for (size_t i = 0; i < 16; i++) {
        drawn[i] = tt_sampler_choose(one, logits);
        assert_int_equal(tt_sampler_choose(again, logits), drawn[i]);
    }
    tt_sampler_reset(one);
    for (size_t i = 0; i < 16; i++) assert_int_equal(tt_sampler_choose(one, logits), drawn[i]);
    tt_sampler_close(one);
    tt_sampler_close(other);
    tt_sampler_close(again);
}

static void filters_cut_the_list(void **) {
    tt_sampling sampling = wide_open();
    assert_true(deepest(&sampling, 400) > 25); /* exp(-2.5) is a twelfth of the likeliest's probability */
    sampling.top_k = 3;
    assert_int_equal(deepest(&sampling, 400), 2);
    sampling = wide_open();
    sampling.top_p = 0.2F; /* 1 - exp(-0.1) is 9.5%, and 9.5% + 8.6% are not yet 20% */
    assert_int_equal(deepest(&sampling, 400), 2);
    sampling = wide_open();
    sampling.min_p = 0.5F; /* exp(-0.7) < 0.5 < exp(-0.6) */
    assert_int_equal(deepest(&sampling, 400), 6);
    sampling.min_keep = 10;
    assert_int_equal(deepest(&sampling, 400), 9);
    sampling = wide_open();
    sampling.temperature = 0;
    assert_int_equal(deepest(&sampling, 20), 0);
    sampling = wide_open();
    sampling.temperature = 0.05F;
    assert_true(deepest(&sampling, 400) < 5);
    sampling = wide_open();
    sampling.xtc_probability = 1; /* takes away all the likely ones but the last */
    sampling.xtc_threshold = 0.05F;
    sampling.top_k = 5;
    sampling.letters = "kx";
    tt_sampler *sampler = make(&sampling);
    for (int i = 0; i < 50; i++) assert_int_equal(tt_sampler_choose(sampler, logits), 4);
    tt_sampler_close(sampler);
}

static void order_can_be_given(void **) {
    tt_sampling sampling = wide_open();
    sampling.top_k = 3;
    sampling.order = "temperature";
    assert_true(deepest(&sampling, 400) > 25); /* top_k is not in the list */
    sampling.order = "temperature;top_k";
    assert_int_equal(deepest(&sampling, 400), 2);
    sampling.letters = "t";
    assert_true(deepest(&sampling, 400) > 25);
    sampling.letters = "tz";
    assert_refused(&sampling, "'z'");
    sampling.letters = NULL;
    sampling.order = "temperature;magic";
    assert_refused(&sampling, "'magic'");
}

static void penalties_count_what_was_read(void **) {
    tt_sampling sampling = wide_open();
    sampling.temperature = 0;
    sampling.presence_penalty = 1; /* ten places in this list */
    tt_sampler *sampler = make(&sampling);
    int32_t ids[] = {0, 1, 2};
    tt_sampler_read(sampler, &(tt_tokens){ids, 3});
    assert_int_equal(tt_sampler_choose(sampler, logits), 3);
    assert_int_equal(tt_sampler_choose(sampler, logits), 4);
    tt_sampler_reset(sampler);
    assert_int_equal(tt_sampler_choose(sampler, logits), 0);
    tt_sampler_close(sampler);
}

static void biases_and_end(void **) {
    tt_logit_bias bias;
    assert_true(tt_logit_bias_parse("5+100", &bias, NULL));
    assert_int_equal(bias.token, 5);
    assert_float_equal(bias.bias, 100, 0);
    tt_sampling sampling = wide_open();
    sampling.temperature = 0;
    sampling.biases = &bias;
    sampling.bias_count = 1;
    tt_sampler *sampler = make(&sampling);
    assert_int_equal(tt_sampler_choose(sampler, logits), 5);
    tt_sampler_close(sampler);

    assert_true(tt_logit_bias_parse("0-inf", &bias, NULL));
    sampler = make(&sampling);
    assert_int_equal(tt_sampler_choose(sampler, logits), 1);
    tt_sampler_close(sampler);

    bias.token = (int32_t)vocabulary;
    assert_refused(&sampling, "--logit-bias names token");
    const char *const bad[] = {"", "5", "+5", "5+", "5+x", "5*2", "-5+1", "5+inf", "5--1", "99999999999+1", "5+1 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(tt_logit_bias_parse(bad[i], &bias, NULL));
}

/* In both tiny tokenizers "</s>" or its like is among the first tokens; whichever it is, nothing that ends the text comes.
 */
static void ignored_end_is_never_chosen(void **) {
    tt_tokens end_tokens;
    assert_true(tt_tokenize(tiny.model, "</s>", 4, &end_tokens, NULL));
    const int32_t end_token = end_tokens.ids[end_tokens.count - 1];
    tt_tokens_free(&end_tokens);
    logits[end_token] = 50;
    tt_sampling sampling = tt_sampling_defaults();
    sampling.temperature = 0;
    tt_sampler *sampler = make(&sampling);
    assert_int_equal(tt_sampler_choose(sampler, logits), end_token);
    tt_sampler_close(sampler);
    sampling.ignore_end = true;
    sampler = make(&sampling);
    assert_int_not_equal(tt_sampler_choose(sampler, logits), end_token);
    tt_sampler_close(sampler);
}

/* Chooses the one token that `text` is. */
static void write_forced(tt_sampler *sampler, const char *text) {
    tt_tokens tokens;
    assert_true(tt_tokenize_part(tiny.model, text, strlen(text), false, true, &tokens, NULL));
    for (size_t i = 0; i < tokens.count; i++) {
        logits[tokens.ids[i]] = 50;
        assert_int_equal(tt_sampler_choose(sampler, logits), tokens.ids[i]);
        logits[tokens.ids[i]] = -50;
    }
    tt_tokens_free(&tokens);
}

static void assert_chosen(tt_sampler *sampler, const char *text) {
    char bytes[TT_TOKEN_BYTES] = "";
    const int32_t token = tt_sampler_choose(sampler, logits);
    const size_t length = token < 0 ? 0 : tt_token_bytes(tiny.model, token, true, bytes);
    if (length != strlen(text) || memcmp(bytes, text, length) != 0)
        fail_msg("token %d, '%.*s', was chosen, not '%s'", token, (int)length, bytes, text);
}

/* Up to the text that it waits for anything may be written, also the grammar's own; behind it nothing else than that. */
static void a_grammar_may_wait_for_a_text(void **) {
    tt_sampling sampling = tt_sampling_defaults();
    sampling.temperature = 0;
    sampling.grammar = "root ::= \"q\"";
    sampling.grammar_behind = "</so>";
    tt_sampler *sampler = make(&sampling);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) write_forced(sampler, "thinking of q and so on");
        write_forced(sampler, "<</so>");
        assert_chosen(sampler, "q");
        tt_sampler_reset(sampler);
    }
    tt_sampler_close(sampler);
    sampling.grammar_behind = NULL;
    sampler = make(&sampling);
    assert_chosen(sampler, "q");
    tt_sampler_close(sampler);
}

static void grammar_is_kept_to(void **) {
    tt_sampling sampling = tt_sampling_defaults();
    sampling.seed = 3;
    sampling.grammar = "root ::= \"ab\"";
    tt_sampler *sampler = make(&sampling);
    /* One or two tokens, and then only those that end the text, which have no letters. */
    tt_pieces pieces = {0};
    tt_text text = {0};
    for (int i = 0; i < 4; i++) {
        const int32_t token = tt_sampler_choose(sampler, logits);
        if (token < 0) break;
        size_t length;
        tt_text_add(&text, tt_pieces_add(&pieces, tiny.model, token, &length, NULL));
    }
    assert_string_equal(text.data, "ab");
    tt_text_free(&text);
    tt_pieces_free(&pieces);
    tt_sampler_close(sampler);
    sampling.grammar = "root ::= (";
    assert_refused(&sampling, "grammar");
    sampling.grammar = "root ::= \"ab\"";
    sampling.ignore_end = true;
    assert_refused(&sampling, "--ignore-eos");
}

/* Each goes less far down the list than what the others are (test filters_cut_the_list: beyond 25). */
static void mirostat_and_the_rest_have_an_effect(void **) {
    tt_sampling sampling = wide_open();
    sampling.mirostat_entropy = 1; /* a surprise of one bit: tokens half as likely as all together */
    for (sampling.mirostat = 1; sampling.mirostat <= 2; sampling.mirostat++) {
        tt_sampler *sampler = make(&sampling);
        for (int i = 0; i < 400; i++) assert_true(tt_sampler_choose(sampler, logits) >= 0); /* it adapts as it goes */
        int32_t most = 0;
        for (int i = 0; i < 100; i++) {
            const int32_t token = tt_sampler_choose(sampler, logits);
            if (token > most) most = token;
        }
        tt_sampler_close(sampler);
        assert_int_in_range(most, 0, 20);
    }
    sampling = wide_open();
    sampling.typical_p = 0.3F;
    assert_int_in_range(deepest(&sampling, 400), 1, 25);
    for (uint32_t i = 0; i < vocabulary; i++) logits[i] = i < 8 ? -0.1F * (float)i : -30; /* eight stand out */
    sampling = wide_open();
    sampling.top_n_sigma = 1;
    sampling.temperature = 100; /* all would be equally likely */
    sampling.order = "top_n_sigma;temperature";
    assert_int_equal(deepest(&sampling, 400), 7);
    sampling.order = "temperature";
    assert_true(deepest(&sampling, 400) > 25);
    sampling.order = "dry;adaptive_p";
    sampling.dry_multiplier = 1;
    sampling.adaptive_target = 0.3F;
    assert_true(deepest(&sampling, 50) < (int32_t)vocabulary);
}

static void what_is_no_number_is_told(void **) {
    tt_sampling sampling = tt_sampling_defaults();
    tt_sampler *sampler = make(&sampling);
    logits[vocabulary - 1] = NAN;
    assert_int_equal(tt_sampler_choose(sampler, logits), TT_NOT_A_NUMBER);
    tt_sampler_close(sampler);
}

static void absurd_values_are_refused(void **) {
    const tt_sampling good = tt_sampling_defaults();
    tt_sampling s;
    s = good, s.top_p = 1.5F, assert_refused(&s, "--top-p 1.5");
    s = good, s.min_p = -0.1F, assert_refused(&s, "--min-p");
    s = good, s.temperature = -1, assert_refused(&s, "--temp");
    s = good, s.temperature = NAN, assert_refused(&s, "--temp");
    s = good, s.repeat_penalty = 0, assert_refused(&s, "--repeat-penalty");
    s = good, s.frequency_penalty = INFINITY, assert_refused(&s, "--frequency-penalty");
    s = good, s.repeat_last_n = -1, assert_refused(&s, "--repeat-last-n");
    s = good, s.mirostat = 3, assert_refused(&s, "--mirostat");
    s = good, s.seed = -2, assert_refused(&s, "--seed");
    s = good, s.seed = UINT32_MAX, assert_refused(&s, "--seed");
    s = good, s.adaptive_decay = 1, assert_refused(&s, "--adaptive-decay");
}

static void set_refused(const char *name, const char *value, const char *part) {
    tt_sampling sampling = tt_sampling_defaults();
    tt_error err = {0};
    assert_false(tt_sampling_set(&sampling, name, value, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
    if (!strstr(err.message, part)) fail_msg("'%s' does not say '%s'", err.message, part);
}

static void options_are_set_by_name(void **) {
    tt_sampling s = tt_sampling_defaults();
    const char *const good[][2] = {{"seed", "7"},
                                   {"top_k", "3"},
                                   {"temperature", "1e0"},
                                   {"ignore_eos", "true"},
                                   {"samplers", "top_k"},
                                   {"mirostat_eta", "0.5"},
                                   {"grammar", "root ::= \"x\""},
                                   {"dry_sequence_breakers", "none"},
                                   {"dry_sequence_breakers", "x"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(tt_sampling_set(&s, good[i][0], good[i][1], NULL));
    assert_int_equal(s.seed, 7);
    assert_int_equal(s.top_k, 3);
    assert_float_equal(s.temperature, 1, 0);
    assert_float_equal(s.mirostat_rate, 0.5, 0);
    assert_true(s.ignore_end);
    assert_string_equal(s.order, "top_k");
    assert_string_equal(s.grammar, "root ::= \"x\"");
    assert_int_equal(s.dry_breakers.count, 1);
    assert_string_equal(s.dry_breakers.items[0], "x");
    set_refused("magic", "1", "no option");
    set_refused("top_k", "1.5", "whole number");
    set_refused("top_k", "-1", "between 0");
    set_refused("top_p", "2", "between 0 and 1");
    set_refused("top_p", "nan", "number");
    set_refused("ignore_eos", "yes", "true or false");
    set_refused("dry_sequence_breakers", "", "empty");
}

/* libllama's parser calls itself for every parenthesis. */
static void deep_grammars_are_refused(void **) {
    char grammar[2048] = "root ::= ";
    tt_sampling sampling = tt_sampling_defaults();
    sampling.grammar = grammar;
    memset(grammar + strlen(grammar), '(', 101);
    assert_refused(&sampling, "100 parentheses");
    strcpy(grammar, "root ::= \"\\\"((((\" [(\\](] ( # ((((\n");
    memset(grammar + strlen(grammar), '(', 99);
    const size_t length = strlen(grammar);
    snprintf(grammar + length, sizeof grammar - length, "\"x\"");
    memset(grammar + strlen(grammar), ')', 100);
    tt_sampler_close(make(&sampling));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_those_of_llama_cpp, reset_logits),
        cmocka_unit_test_setup(seed_repeats_and_reset_begins_anew, reset_logits),
        cmocka_unit_test_setup(random_seed_is_told_and_kept, reset_logits),
        cmocka_unit_test_setup(filters_cut_the_list, reset_logits),
        cmocka_unit_test_setup(order_can_be_given, reset_logits),
        cmocka_unit_test_setup(penalties_count_what_was_read, reset_logits),
        cmocka_unit_test_setup(biases_and_end, reset_logits),
        cmocka_unit_test_setup(ignored_end_is_never_chosen, reset_logits),
        cmocka_unit_test_setup(a_grammar_may_wait_for_a_text, reset_logits),
        cmocka_unit_test_setup(grammar_is_kept_to, reset_logits),
        cmocka_unit_test_setup(mirostat_and_the_rest_have_an_effect, reset_logits),
        cmocka_unit_test_setup(what_is_no_number_is_told, reset_logits),
        cmocka_unit_test_setup(absurd_values_are_refused, reset_logits),
        cmocka_unit_test_setup(options_are_set_by_name, reset_logits),
        cmocka_unit_test_setup(deep_grammars_are_refused, reset_logits),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
