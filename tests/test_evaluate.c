/* test_evaluate.c: the figures of an evaluation, on a tiny random model: that they are what they say, not that it writes
 * well. */
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "evaluate/evaluate.h"
#include "evaluate/evaluation_json.h"
#include "evaluate/judge.h"
#include "evaluate/material.h"
#include "model/continue.h"
#include "model/token.h"
#include "support/open_model.h"
#include "support/scratch.h"

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tt_open_model tiny;
static tt_model *model;
static tt_chat *chat;

static int set_up(void **state) {
    (void)state;
    tt_open_model_begin_exact(&tiny, 0);
    model = tiny.model;
    chat = tt_chat_open(model, &(tt_chat_options){.name = "chatml"}, NULL);
    return chat ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    tt_chat_close(chat);
    tt_open_model_end(&tiny);
    return 0;
}

/* An axis' three vectors with random rows; `scale` 0 makes rows of zeros. The sides are each other's opposite. */
struct fixture {
    tt_axis axis;
    tt_vector debias, sides[2];
    tt_evaluate_axis refer;
};

static void make_fixture(struct fixture *fixture, const char *axis, double scale) {
    tt_error err = {0};
    *fixture = (struct fixture){0};
    assert_true(tt_axis_load(&fixture->axis, axis, &err));
    const tt_model_facts *facts = tt_model_facts_of(model);
    float *row = tt_alloc(facts->width, sizeof *row, &err);
    assert_non_null(row);
    assert_true(tt_vector_init(&fixture->debias, facts->blocks, facts->width, &err));
    assert_true(tt_vector_init(&fixture->sides[0], facts->blocks, facts->width, &err));
    assert_true(tt_vector_init(&fixture->sides[1], facts->blocks, facts->width, &err));
    for (uint32_t K = 1; K < facts->blocks; K++) {
        for (uint32_t k = 0; k < facts->width; k++)
            row[k] = (float)tt_random_below(5, tt_random_stream(axis), K, k, 2001) / 1000.0F - 1.0F;
        assert_true(tt_vector_add_row(&fixture->debias, K, row, 0.1 * scale, &err));
        assert_true(tt_vector_add_row(&fixture->sides[0], K, row, -scale, &err));
        assert_true(tt_vector_add_row(&fixture->sides[1], K, row, scale, &err));
    }
    free(row);
    fixture->refer = (tt_evaluate_axis){&fixture->axis, &fixture->debias, {&fixture->sides[0], &fixture->sides[1]}};
}

/* By another name the axis has no known passages, which take the tiny model, whose tokens are bytes, longer than all else.
 */
static void rename_axis(struct fixture *fixture, const char *name) {
    free(fixture->axis.name);
    fixture->axis.name = tt_strdup(name, NULL);
    assert_non_null(fixture->axis.name);
}

static void free_fixture(struct fixture *fixture) {
    tt_axis_free(&fixture->axis);
    tt_vector_free(&fixture->debias);
    tt_vector_free(&fixture->sides[0]);
    tt_vector_free(&fixture->sides[1]);
}

static const double tried[] = {-1, -0.5, 0, 0.5, 1};

static tt_evaluate_options options_of(size_t samples) {
    tt_evaluate_options options = tt_evaluate_defaults();
    options.samples = samples;
    options.text_tokens = 10;
    options.values = tried;
    options.value_count = 5;
    options.resamples = 200;
    options.other_axes = false;
    return options;
}

/* ==== Figures ==== */

static void zero_vectors_do_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    make_fixture(&fixture, "language", 0);
    const tt_evaluate_options options = options_of(3);
    tt_evaluation evaluation;
    tt_error err = {0};
    assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    const tt_axis_evaluation *axis = &evaluation.axes[0];
    assert_int_equal(axis->value_count, 5);
    for (size_t i = 0; i < axis->value_count; i++) {
        /* The same is written, drawn alike, and so the same is read. */
        assert_string_equal(axis->values[i].texts[0], axis->unsteered.texts[0]);
        assert_true(fabs(axis->values[i].steering.value) < 1e-4 && fabs(axis->values[i].steering.high) < 1e-4);
        assert_true(isnan(axis->values[i].relevance.value) || fabs(axis->values[i].relevance.value - 1) < 1e-3);
    }
    assert_int_equal(axis->known, 5); /* built-in passages, whatever a random model makes of them */
    assert_true(axis->unsteered.steering.value == 0 && isnan(axis->unsteered.wrong_way.value));
    tt_evaluation_free(&evaluation);
    free_fixture(&fixture);
}

static void assert_same_estimate(tt_estimate a, tt_estimate b) {
    assert_true(a.value == b.value || (isnan(a.value) && isnan(b.value)));
    assert_true(a.low == b.low || (isnan(a.low) && isnan(b.low)));
    assert_true(a.high == b.high || (isnan(a.high) && isnan(b.high)));
}

static void assert_same_way(const tt_way_figures *a, const tt_way_figures *b, bool judged) {
    assert_true(a->value == b->value && a->refusals == b->refusals);
    if (judged) assert_same_estimate(a->steering, b->steering);
    assert_same_estimate(a->coherence, b->coherence);
    assert_same_estimate(a->relevance, b->relevance);
    assert_same_estimate(a->repetition, b->repetition);
    assert_same_estimate(a->distinct[1], b->distinct[1]);
}

static void assert_not_read(const char *path, const char *json, const char *says) {
    tt_evaluation read;
    tt_error err = {0};
    assert_true(tt_file_write(path, json, strlen(json), NULL));
    assert_false(tt_evaluation_read(&read, path, &err));
    assert_non_null(strstr(err.message, says));
}

/* The file of one axis, read again, has its figures, to the bit; but what a model cannot judge is not told. */
static void reads_what_it_writes(const tt_evaluation *evaluation, size_t index) {
    const char *path = scratch_path("evaluation.json");
    const tt_axis_evaluation *axis = &evaluation->axes[index];
    tt_evaluation read;
    tt_error err = {0};
    assert_true(tt_evaluation_write_axis(evaluation, index, path, &err));
    assert_true(tt_evaluation_read(&read, path, &err));
    assert_int_equal(read.axis_count, 1);
    assert_string_equal(read.fingerprint, evaluation->fingerprint);
    assert_string_equal(read.judging, evaluation->judging);
    assert_true(read.coherence_limit == evaluation->coherence_limit && read.samples == evaluation->samples);
    const tt_axis_evaluation *again = &read.axes[0];
    const bool judged = tt_evaluation_judges(axis);
    assert_string_equal(again->name, axis->name);
    assert_string_equal(again->classes[1], axis->classes[1]);
    assert_int_equal(again->value_count, axis->value_count);
    assert_int_equal(again->block_count, axis->block_count);
    assert_true(axis->block_count > 0 && again->blocks[0].row == axis->blocks[0].row);
    assert_true(again->blocks[0].sides[1] == axis->blocks[0].sides[1]);
    assert_true(again->known_right == axis->known_right && again->known == axis->known);
    for (size_t i = 0; i < axis->value_count; i++) assert_same_way(&again->values[i], &axis->values[i], judged);
    assert_string_equal(again->values[0].texts[1], axis->values[0].texts[1]);
    for (int class = 0; class < 2; class++) {
        assert_true(again->recommended[class] == axis->recommended[class]);
        assert_same_way(&again->asked[class], &axis->asked[class], judged);
        assert_same_way(&again->random[class], &axis->random[class], judged);
        assert_true(judged || isnan(again->asked[class].steering.value));
    }
    tt_evaluation_free(&read);
    assert_not_read(path, "{\"axes\": []}", "is not what trimtab eval --save writes");
    assert_not_read(path, "{\"trimtab\": \"0.1.0\", \"axes\": [{\"name\": \"a\"}]}", "another version of trimtab");
}

static void vectors_do_something_and_say_how_surely(void **state) {
    (void)state;
    struct fixture fixtures[2];
    make_fixture(&fixtures[0], "language", 0.3);
    make_fixture(&fixtures[1], "storytelling", 0.3);
    rename_axis(&fixtures[0], "words");
    rename_axis(&fixtures[1], "scenes");
    const tt_evaluate_axis axes[2] = {fixtures[0].refer, fixtures[1].refer};
    tt_evaluate_options options = options_of(4);
    options.other_axes = true;
    options.coherence_limit = 1e9;
    tt_evaluation both, again, one;
    tt_error err = {0};
    assert_true(tt_evaluate(model, chat, axes, 2, &options, &both, &err));
    assert_true(tt_evaluate(model, chat, axes, 2, &options, &again, &err));
    options.other_axes = false;
    assert_true(tt_evaluate(model, chat, axes, 1, &options, &one, &err));
    for (size_t i = 0; i < 5; i++) {
        const tt_way_figures *a = &both.axes[0].values[i], *b = &again.axes[0].values[i], *c = &one.axes[0].values[i];
        assert_true(a->value == tried[i]);
        assert_true(tt_evaluation_at(&both.axes[0], tried[i]) == a);
        assert_true(a->steering.value == b->steering.value && a->steering.low == b->steering.low);
        for (size_t k = 0; k < TT_SHOWN_TEXTS; k++) assert_string_equal(a->texts[k], b->texts[k]);
        /* An axis' figures do not depend on what else is evaluated. */
        assert_true(fabs(a->steering.value - c->steering.value) < 1e-3);
        assert_true(a->steering.low <= a->steering.value && a->steering.value <= a->steering.high);
        assert_true(a->coherence.low <= a->coherence.value && a->coherence.value <= a->coherence.high);
        assert_true(a->distinct[1].value > 0 && a->distinct[1].value <= 1);
        assert_true(a->repetition.value >= 0 && a->repetition.value < 1);
        if (tried[i] != 0) assert_true(a->wrong_way.value >= 0 && a->wrong_way.value <= 1);
    }
    assert_non_null(both.axes[1].others[0]);
    assert_null(one.axes[0].others[0]);
    assert_true(fabs(both.similarity[0] - 1) < 1e-6 && fabs(both.similarity[1]) < 0.5);
    assert_true(both.similarity[1] == both.similarity[2]);
    for (int side = 0; side < 2; side++) /* random directions at the recommended values, else at the strongest */
        assert_true(fabs(both.axes[0].random[side].value) ==
                    (both.axes[0].recommended[side] > 0 ? both.axes[0].recommended[side] : 1));
    reads_what_it_writes(&both, 1);
    tt_evaluation_free(&both);
    tt_evaluation_free(&again);
    tt_evaluation_free(&one);
    free_fixture(&fixtures[0]);
    free_fixture(&fixtures[1]);
}

struct stopping {
    atomic_bool cancel;
    uint64_t texts_left; /* to read before it is stopped */
    uint64_t read;       /* texts */
};

static void stop_at(void *data, const char *what, const char *unit, uint64_t done, uint64_t total) {
    struct stopping *stopping = data;
    (void)unit, (void)total;
    if (strcmp(what, "reading") != 0 || !done) return;
    stopping->read++;
    if (stopping->read == stopping->texts_left) stopping->cancel = true;
}

/* An evaluation that is stopped goes on from the texts that it kept, and finds the same as one that is not. */
static void goes_on_where_it_was_stopped(void **state) {
    (void)state;
    struct fixture fixture;
    make_fixture(&fixture, "language", 0.3);
    rename_axis(&fixture, "words");
    const char *path = scratch_path("kept");
    struct stopping stopping = {.texts_left = 20};
    tt_evaluate_options options = options_of(3);
    tt_evaluation whole, again;
    tt_error err = {0};
    assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &whole, &err));
    options.kept_file = path;
    options.cancel = &stopping.cancel;
    options.progress = stop_at;
    options.progress_data = &stopping;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &again, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    stopping = (struct stopping){0};
    assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &again, &err));
    assert_true(again.tokens < whole.tokens);
    for (size_t i = 0; i < 5; i++) {
        const tt_way_figures *a = &whole.axes[0].values[i], *b = &again.axes[0].values[i];
        assert_string_equal(a->texts[2], b->texts[2]);
        for (size_t k = 0; k < 3; k++) assert_true(fabs(a->scores[k] - b->scores[k]) < 1e-4);
        assert_same_estimate(a->repetition, b->repetition);
    }
    /* All of it is known now; and a file that is damaged, or has tokens that are none of the model's, is no trouble. */
    tt_evaluation_free(&again);
    assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &again, &err));
    assert_int_equal(again.tokens, 0);
    static const char *const damaged[] = {"{", "{\"format\": 1, \"axes\": 1, \"texts\": [{\"key\": 5}, 7]}"};
    for (size_t i = 0; i < 2; i++) {
        assert_true(tt_file_write(path, damaged[i], strlen(damaged[i]), NULL));
        tt_evaluation_free(&again);
        assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &again, &err));
        assert_true(again.tokens == whole.tokens);
    }
    tt_evaluation_free(&whole);
    tt_evaluation_free(&again);
    free_fixture(&fixture);
}

/* What is told of the unsteered texts is what scoring them by hand gives: the score by the questions, and both prompts. */
static void reads_as_by_hand(void **state) {
    (void)state;
    struct fixture fixture;
    make_fixture(&fixture, "language", 0.1);
    rename_axis(&fixture, "words");
    tt_evaluate_options options = options_of(2);
    tt_evaluation evaluation;
    tt_material material;
    tt_judge judge;
    assert_true(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, NULL));
    assert_true(tt_material_make(&material, chat, &fixture.refer, 1, &options, NULL));
    assert_true(tt_judge_make(&judge, chat, &fixture.axis, tt_judging_usual(), NULL));
    tt_score *score = tt_score_open(model, NULL);
    tt_steering *const none = NULL;
    for (size_t i = 0; i < 2; i++) {
        tt_tokens text;
        const tt_continue_request request = {.prompt = material.samples[i].baseline,
                                             .stream = tt_random_bits(0, tt_random_stream("text"), i, 0),
                                             .min_p = 0.1};
        const tt_continue_options writing = {.length = 10, .seed = options.seed};
        assert_true(tt_continue_run(model, &request, 1, &writing, &text, NULL));
        const tt_score_text behind[2] = {{material.samples[i].baseline, text}, {material.samples[1 - i].baseline, text}};
        double sums[2], answers[16], tokens = (double)text.count;
        assert_true(tt_score_run(score, behind, NULL, 2, &none, 1, NULL, sums, NULL));
        const tt_way_figures *way = &evaluation.axes[0].unsteered;
        assert_true(fabs(way->perplexities[i] + sums[0] / tokens) < 1e-3);
        assert_true(fabs(way->relevances[i] - (sums[0] - sums[1]) / tokens) < 1e-3);
        if (tt_token_ends(model, text.ids[text.count - 1])) text.count--;
        tt_score_text texts[16];
        assert_true(tt_judge_texts(&judge, &material.samples[i].baseline, &text, texts, NULL));
        assert_true(tt_score_run(score, texts, NULL, judge.count, &none, 1, NULL, answers, NULL));
        assert_true(fabs(way->scores[i] - tt_judge_score(&judge, answers)) < 1e-3);
        for (size_t k = 0; k < judge.count; k++) tt_tokens_free(&texts[k].prompt);
        tt_tokens_free(&text);
    }
    tt_score_close(score);
    tt_judge_free(&judge);
    tt_material_free(&material);
    tt_evaluation_free(&evaluation);
    free_fixture(&fixture);
}

/* ==== Refusals ==== */

static void refuses_what_cannot_be_evaluated(void **state) {
    (void)state;
    struct fixture fixture;
    make_fixture(&fixture, "language", 0.1);
    tt_evaluation evaluation;
    tt_error err = {0};
    tt_evaluate_options options = options_of(2);
    options.plan.held_out = 0;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "held out"));
    options = options_of(0);
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);

    options = options_of(2);
    assert_true(tt_vector_set(&fixture.sides[0].fingerprint, "another", NULL));
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "is for another model"));
    assert_true(tt_vector_set(&fixture.sides[0].fingerprint, "", NULL));
    /* What an architecture is called is a hint, unless the file knows its model by the fingerprint. */
    assert_true(tt_vector_set(&fixture.debias.architecture, "gemma3", NULL));
    assert_true(tt_vector_set(&fixture.debias.fingerprint, tt_model_facts_of(model)->fingerprint, NULL));
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "gemma3"));
    assert_true(tt_vector_set(&fixture.debias.architecture, "", NULL));
    assert_true(tt_vector_set(&fixture.debias.fingerprint, "", NULL));
    fixture.debias.width--;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_non_null(strstr(err.message, "hidden size"));
    fixture.debias.width++;

    const atomic_bool cancel = true;
    options.cancel = &cancel;
    assert_false(tt_evaluate(model, chat, &fixture.refer, 1, &options, &evaluation, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    assert_null(evaluation.axes);
    free_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_vectors_do_nothing),          cmocka_unit_test(vectors_do_something_and_say_how_surely),
        cmocka_unit_test(goes_on_where_it_was_stopped),     cmocka_unit_test(reads_as_by_hand),
        cmocka_unit_test(refuses_what_cannot_be_evaluated),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
