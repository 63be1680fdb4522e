/* test_judge.c: what is asked about a text, and what the answers come to, on a tiny random model. */
#include "base/memory.h"
#include "evaluate/judge.h"
#include "model/continue.h"
#include "prompts/partition.h"
#include "prompts/passages.h"
#include "prompts/plan.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct tt_open_model tiny;
static tt_chat *chat;
static tt_axis axis;

static int set_up(void **state) {
    (void)state;
    tt_open_model_begin_exact(&tiny, 0);
    chat = tt_chat_open(tiny.model, &(tt_chat_options){.name = "chatml"}, NULL);
    return chat && tt_axis_load(&axis, "language", NULL) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    tt_axis_free(&axis);
    tt_chat_close(chat);
    tt_open_model_end(&tiny);
    return 0;
}

static tt_tokens tokens_of(const char *text) {
    tt_tokens tokens;
    assert_true(tt_tokenize_part(tiny.model, text, strlen(text), false, true, &tokens, NULL));
    return tokens;
}

static size_t form_named(const char *name) {
    size_t form = 0;
    while (strcmp(tt_judging_name(form), name) != 0) form++;
    return form;
}

static bool is_answer(const tt_probe *probe, const char *word) {
    tt_tokens tokens = tokens_of(word);
    const bool same =
        tokens.count == probe->answer.count && !memcmp(tokens.ids, probe->answer.ids, tokens.count * sizeof *tokens.ids);
    tt_tokens_free(&tokens);
    return same;
}

/* Every form weighs as much for the one class as for the other, so that what is likely anyway counts nothing. */
static void weighs_both_classes_alike(void **state) {
    (void)state;
    for (size_t form = 0; form < tt_judging_count(); form++) {
        tt_judge judge;
        double sum = 0, size = 0;
        assert_true(tt_judge_make(&judge, chat, &axis, form, NULL));
        for (size_t i = 0; i < judge.count; i++) {
            sum += judge.probes[i].weight;
            size += fabs(judge.probes[i].weight);
            assert_true(judge.probes[i].question.count > 4 && judge.probes[i].answer.count > 0);
        }
        assert_true(fabs(sum) < 1e-12 && fabs(size - 2) < 1e-12);
        tt_judge_free(&judge);
    }
}

/* The choice between two words: each of both orders asks for both words. */
static void asks_in_both_orders(void **state) {
    (void)state;
    tt_judge judge;
    assert_true(tt_judge_make(&judge, chat, &axis, form_named("word"), NULL));
    assert_int_equal(judge.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(is_answer(&judge.probes[i], judge.probes[i].weight > 0 ? "ornate" : "simple"));
    assert_memory_equal(judge.probes[0].question.ids, judge.probes[1].question.ids,
                        judge.probes[0].question.count * sizeof(int32_t));
    const tt_tokens first = judge.probes[0].question, other = judge.probes[2].question;
    assert_true(first.count != other.count || memcmp(first.ids, other.ids, first.count * sizeof *first.ids) != 0);
    tt_judge_free(&judge);
}

/* Two questions' weighted mean: the classes' names are asked for by both. */
static void may_ask_two_questions(void **state) {
    (void)state;
    tt_judge judge;
    assert_true(tt_judge_make(&judge, chat, &axis, form_named("about + open"), NULL));
    assert_int_equal(judge.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_true(is_answer(&judge.probes[i], judge.probes[i].weight > 0 ? "ornate" : "simple"));
        assert_true(fabs(fabs(judge.probes[i].weight) - (i < 4 ? 0.35 : 0.3)) < 1e-12);
    }
    tt_judge_free(&judge);
}

/* Whether any of the judge's questions has these words in it. */
static bool asks_for(const tt_judge *judge, const char *words) {
    for (size_t i = 0; i < judge->count; i++) {
        char *text = tt_detokenize(tiny.model, &judge->probes[i].question, NULL);
        const bool found = strstr(text, words) != NULL;
        free(text);
        if (found) return true;
    }
    return false;
}

/* Texts are asked for by phrases that are held out: none of these is what texts are judged by. */
static void asks_for_no_phrase_that_is_held_out(void **state) {
    (void)state;
    const size_t form = form_named("phrases");
    for (size_t i = 0; i < tt_axis_builtin_count(); i++) {
        tt_axis builtin;
        tt_judge judge;
        assert_true(tt_axis_load(&builtin, tt_axis_builtin_name(i), NULL));
        assert_true(tt_judge_make(&judge, chat, &builtin, form, NULL));
        uint64_t *keys = tt_alloc(builtin.pair_count, sizeof *keys, NULL);
        for (size_t k = 0; k < builtin.pair_count; k++)
            keys[k] = tt_partition_pair_key(builtin.pairs[k].side[0], builtin.pairs[k].side[1]);
        tt_partition partition;
        assert_true(tt_partition_make(&partition, keys, builtin.pair_count, TT_PLAN_HELD_OUT, "pairs", NULL));
        const size_t first = partition.indices[TT_SPLIT_TRAINING][0];
        assert_true(asks_for(&judge, builtin.pairs[first].side[0]) && asks_for(&judge, builtin.pairs[first].side[1]));
        for (size_t k = 0; k < partition.count[TT_SPLIT_HELD_OUT]; k++)
            assert_false(asks_for(&judge, builtin.pairs[partition.indices[TT_SPLIT_HELD_OUT][k]].side[1]));
        tt_partition_free(&partition);
        free(keys);
        tt_judge_free(&judge);
        tt_axis_free(&builtin);
    }
}

/* All of a text's questions in one pass come to what each alone does. */
static void scores_what_its_probes_say(void **state) {
    (void)state;
    tt_tokens prompt = tokens_of("<|im_start|>user\nWrite.<|im_end|>\n<|im_start|>assistant\n"),
              text = tokens_of("The sea was calm.");
    tt_score *score = tt_score_open(tiny.model, NULL);
    tt_judge judge;
    tt_score_text texts[4];
    double sums[4], wanted = 0;
    tt_steering *const none = NULL;
    assert_true(tt_judge_make(&judge, chat, &axis, form_named("word"), NULL));
    assert_true(tt_judge_texts(&judge, &prompt, &text, texts, NULL));
    assert_true(tt_score_run(score, texts, NULL, 4, &none, 1, NULL, sums, NULL));
    for (size_t i = 0; i < 4; i++) {
        double alone;
        assert_int_equal(texts[i].prompt.count, prompt.count + text.count + judge.probes[i].question.count);
        assert_memory_equal(texts[i].prompt.ids + prompt.count, text.ids, text.count * sizeof *text.ids);
        assert_true(tt_score_run(score, &texts[i], NULL, 1, &none, 1, NULL, &alone, NULL));
        wanted += (i % 2 ? -0.5 : 0.5) * alone;
    }
    assert_true(fabs(tt_judge_score(&judge, sums) - wanted) < 1e-4);
    for (size_t i = 0; i < 4; i++) tt_tokens_free(&texts[i].prompt);
    tt_judge_free(&judge);
    tt_score_close(score);
    tt_tokens_free(&prompt);
    tt_tokens_free(&text);
}

/* Every built-in axis has passages of both classes; another axis has none. */
static void has_passages(void **state) {
    (void)state;
    for (size_t i = 0; i < tt_axis_builtin_count(); i++) {
        tt_axis builtin;
        tt_passages passages;
        assert_true(tt_axis_load(&builtin, tt_axis_builtin_name(i), NULL));
        assert_true(tt_passages_load(&passages, &builtin, NULL));
        assert_true(passages.count >= 5);
        for (size_t k = 0; k < passages.count; k++)
            assert_true(*passages.pairs[k].prompt && strlen(passages.pairs[k].side[0]) > 100 &&
                        strlen(passages.pairs[k].side[1]) > 100);
        tt_passages_free(&passages);
        char *const name = builtin.name;
        builtin.name = (char[]){"pace"};
        assert_true(tt_passages_load(&passages, &builtin, NULL));
        assert_int_equal(passages.count, 0);
        builtin.name = name;
        tt_axis_free(&builtin);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighs_both_classes_alike),  cmocka_unit_test(asks_in_both_orders),
        cmocka_unit_test(may_ask_two_questions),      cmocka_unit_test(asks_for_no_phrase_that_is_held_out),
        cmocka_unit_test(scores_what_its_probes_say), cmocka_unit_test(has_passages),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
