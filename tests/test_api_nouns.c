/* test_api_nouns.c: the public API's vectors, mixes, folders, prompts, chats, scores and files, on the tiny model; and
 * option structures of programs that know another header. */
#include "support/scratch.h"
#include "support/tiny_model.h"
#include "trimtab.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

static const char *model;
static char folder[256]; /* of the model, and of its vectors for "language" */
static trimtab *shared;

static trimtab_options few_threads(void) {
    trimtab_options options = trimtab_defaults();
    options.threads = 1;
    options.context = 256;
    return options;
}

static trimtab_error error; /* of the last call */

/* Fails the test with the library's sentence. */
#define fine(call)                                                                                                          \
    do {                                                                                                                    \
        (void)(call);                                                                                                       \
        if (error.status) fail_msg("%s", error.message);                                                                    \
    } while (0)

static void expect(trimtab_status status, const char *words) {
    if (error.status != status || !strstr(error.message, words))
        fail_msg("no '%s' in %d '%s'", words, error.status, error.message);
}

static int begin(void **) {
    static const char *const axes[] = {"language"};
    const struct tt_tiny_model_options tiny = tt_tiny_model_defaults();
    model = scratch_text("tiny.gguf", "");
    assert_true(tt_tiny_model_write(model, &tiny));
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(model, '/') - model), model);
    const trimtab_options options = few_threads();
    fine(shared = trimtab_open(model, &options, &error));
    trimtab_train_options training = trimtab_train_defaults();
    training.axes = axes;
    training.axis_count = 1;
    training.samples = 24;
    training.tolerance = 0.001;
    training.name = "Tiny";
    trimtab_training *trained;
    fine(trimtab_train(shared, folder, &training, &trained, &error));
    assert_int_equal(trained->axis_count, 1);
    assert_string_equal(trained->axes[0].name, "language");
    assert_true(trained->axes[0].figure_count > 0 && trained->prompts >= 3 * 24);
    trimtab_training_free(trained);
    return 0;
}

static int end(void **) {
    trimtab_close(shared);
    return 0;
}

static trimtab_mix *open_mix(void) {
    trimtab_mix_options options = trimtab_mix_defaults();
    trimtab_mix *mix;
    options.folder = folder;
    options.model = shared;
    options.force = 1; /* the tiny model's vectors are short: values far beyond the usual ones have an effect */
    fine(mix = trimtab_mix_open(&options, &error));
    return mix;
}

/* ==== Options ==== */

static void sizes_are_looked_at(void **) {
    trimtab_options options = few_threads();
    options.size = 0;
    assert_null(trimtab_open(model, &options, &error));
    expect(TRIMTAB_USAGE, "trimtab_options has no size");
    options.size = sizeof options + 8;
    assert_null(trimtab_open(model, &options, &error));
    expect(TRIMTAB_USAGE, "its header is another");
}

/* What lies behind the size is not read: it stands for memory that is not the structure's. */
static void a_smaller_structure_works(void **) {
    trimtab_options options = few_threads();
    options.size = offsetof(trimtab_options, verbose);
    options.chat_template = "no such template";
    options.progress = (trimtab_listener)(uintptr_t)1;
    trimtab *t;
    trimtab_prompt *prompt;
    fine(t = trimtab_open(model, &options, &error));
    fine(prompt = trimtab_prompt_chat(t, &(trimtab_message){"user", "Hello"}, 1, &error));
    trimtab_prompt_free(prompt);
    trimtab_close(t);
}

static void nothing_is_refused_with_a_sentence(void **) {
    const float rows[4] = {0};
    trimtab_mix *mix = open_mix();
    const trimtab_status got[] = {
        trimtab_mix_add(NULL, "language=1", &error),
        trimtab_mix_add(mix, NULL, &error),
        trimtab_mix_set(mix, NULL, &error),
        trimtab_mix_add_file(mix, NULL, 1, &error),
        trimtab_mix_add_files(mix, NULL, 0, &error),
        trimtab_mix_add_rows(NULL, rows, 2, 2, 1, &error),
        trimtab_mix_add_rows(mix, NULL, 2, 2, 1, &error),
        trimtab_mix_layers(NULL, 1, 2, &error),
        trimtab_mix_settle(NULL, &error),
        trimtab_mix_reset(NULL, &error),
        trimtab_apply(NULL, mix, &error),
        trimtab_merge(NULL, "F.gguf", &error),
        trimtab_merge(mix, NULL, &error),
        trimtab_bake(NULL, "F.gguf", NULL, NULL, &error),
        trimtab_bake(mix, NULL, NULL, NULL, &error),
        trimtab_bake_check(mix, &error), /* of a model that is open */
        trimtab_write(shared, NULL, NULL, NULL, &error),
        trimtab_score(shared, NULL, "", NULL, NULL, &error),
        trimtab_chat_add(NULL, "user", "Hello", &error),
        trimtab_chat_say(NULL, "Hello", NULL, NULL, &error),
        trimtab_sampling_set(NULL, "top_k", "1", &error),
        trimtab_train_from_states(NULL, folder, NULL, NULL, &error),
        trimtab_evaluate(shared, NULL, NULL, NULL, &error),
        trimtab_vector_write(NULL, "F.gguf", &error),
    };
    for (size_t i = 0; i < sizeof got / sizeof *got; i++)
        if (got[i] != TRIMTAB_USAGE) fail_msg("call %zu: %d", i, got[i]);
    assert_null(trimtab_llama_options(NULL, TRIMTAB_SYNTAX_CURRENT, NULL));
    assert_null(trimtab_vector_read(NULL, NULL));
    assert_null(trimtab_axis_load(NULL, NULL));
    assert_null(trimtab_axis_check(NULL, NULL));
    assert_null(trimtab_folder_open(NULL, shared, NULL));
    assert_null(trimtab_tokenize(shared, NULL, 0, NULL));
    assert_null(trimtab_detokenize(shared, NULL, 1, NULL));
    assert_null(trimtab_prompt_request(shared, NULL, NULL, NULL));
    trimtab_mix_free(mix);
    trimtab_mix_free(NULL);
    trimtab_vector_free(NULL);
    trimtab_prompt_free(NULL);
    trimtab_chat_free(NULL);
    trimtab_sampling_free(NULL);
    trimtab_training_free(NULL);
    trimtab_evaluation_free(NULL);
    trimtab_baked_free(NULL);
    trimtab_folder_free(NULL);
    trimtab_axis_free(NULL);
    trimtab_findings_free(NULL);
    trimtab_tokens_free(NULL);
    trimtab_text_free(NULL);
}

static void another_handle_cannot_have_other_machines(void **) {
    trimtab_options options = few_threads();
    options.rpc_servers = "127.0.0.1:1";
    assert_null(trimtab_open(model, &options, &error));
    expect(TRIMTAB_USAGE, "rpc_servers is for the whole process");
}

/* ==== Vectors and mixes ==== */

static void a_vector_says_what_it_is(void **) {
    char path[400];
    snprintf(path, sizeof path, "%s/Tiny-language__ornate.gguf", folder);
    trimtab_vector *vector;
    fine(vector = trimtab_vector_read(path, &error));
    const trimtab_vector_facts *facts = trimtab_vector_facts_of(vector);
    assert_string_equal(facts->role, "positive");
    assert_string_equal(facts->axis, "language");
    assert_int_equal(facts->width, trimtab_facts_of(shared)->width);
    assert_int_equal(facts->layers, trimtab_facts_of(shared)->blocks);
    double sum = 0;
    uint32_t rows = 0;
    for (uint32_t K = 0; K <= facts->layers; K++) {
        const float *row = trimtab_vector_row(vector, K);
        double square = 0;
        for (uint32_t i = 0; row && i < facts->width; i++) square += (double)row[i] * (double)row[i];
        if (K) assert_float_equal(sqrt(square), trimtab_vector_length(vector, K), 1e-6);
        sum += square;
        rows += row != NULL;
    }
    assert_int_equal(rows, facts->directions);
    assert_float_equal(sqrt(sum), trimtab_vector_length(vector, 0), 1e-6);
    assert_float_equal(trimtab_vector_cosine(vector, vector, 0), 1, 1e-9);
    assert_int_equal(trimtab_vector_fit(vector, shared, &error), TRIMTAB_FIT_WHOLE);
    assert_string_equal(error.message, "");
    struct tt_tiny_model_options wide = tt_tiny_model_defaults();
    wide.width = 128;
    const char *other_path = scratch_path("wide.gguf");
    assert_true(tt_tiny_model_write(other_path, &wide));
    const trimtab_options options = few_threads();
    trimtab *other;
    fine(other = trimtab_open(other_path, &options, &error));
    assert_int_equal(trimtab_vector_fit(vector, other, &error), TRIMTAB_FIT_NEVER);
    assert_true(strlen(error.message) > 0);
    trimtab_close(other);
    trimtab_vector_free(vector);
    assert_null(trimtab_vector_read(model, &error));
    assert_int_equal(error.status, TRIMTAB_INPUT);
}

static void a_folder_lists_its_axes(void **) {
    trimtab_folder *found;
    fine(found = trimtab_folder_open(folder, shared, &error));
    assert_int_equal(found->axis_count, 1);
    const trimtab_folder_axis *axis = &found->axes[0];
    assert_string_equal(axis->name, "language");
    assert_string_equal(axis->classes[1], "ornate");
    assert_true(axis->ordered && !axis->plain && axis->fit == TRIMTAB_FIT_WHOLE);
    for (int i = 0; i < 3; i++) assert_non_null(axis->files[i]);
    trimtab_folder_free(found);
}

static void a_mix_that_is_refused_is_what_it_was(void **) {
    trimtab_mix *mix = open_mix();
    assert_string_equal(trimtab_mix_facts_of(mix)->text, "");
    fine(trimtab_mix_add(mix, "ornate=0.5", &error));
    assert_string_equal(trimtab_mix_facts_of(mix)->text, ""); /* not before it is settled */
    fine(trimtab_mix_settle(mix, &error));
    assert_string_equal(trimtab_mix_facts_of(mix)->text, "language=0.5");
    assert_int_equal(trimtab_mix_facts_of(mix)->part_count, 2); /* with the de-bias vector */
    fine(trimtab_mix_add_file(mix, "/nowhere.gguf", 1, &error));
    trimtab_mix_settle(mix, &error);
    expect(TRIMTAB_IO, "/nowhere.gguf");
    fine(trimtab_mix_set(mix, "simple=0.25", &error));
    fine(trimtab_mix_settle(mix, &error));
    assert_string_equal(trimtab_mix_facts_of(mix)->text, "language=-0.25");
    fine(trimtab_mix_add(mix, "language=1", &error));
    fine(trimtab_mix_reset(mix, &error));
    trimtab_mix_clear(mix);
    fine(trimtab_mix_settle(mix, &error));
    assert_string_equal(trimtab_mix_facts_of(mix)->text, "");
    assert_null(trimtab_mix_part(mix, 0, NULL));
    trimtab_mix_free(mix);
}

/* How likely the model finds a text under the mix in use. */
static double score(void) {
    double found;
    size_t tokens;
    trimtab_prompt *prompt;
    fine(prompt = trimtab_prompt_chat(shared, &(trimtab_message){"user", "Tell me a story."}, 1, &error));
    fine(trimtab_score(shared, prompt, "Once upon a time", &found, &tokens, &error));
    assert_true(tokens >= 4 && isfinite(found) && found < 0);
    trimtab_prompt_free(prompt);
    return found;
}

/* The same numbers as rows of one's own do the same. */
static void rows_of_ones_own_are_a_vector(void **) {
    const trimtab_facts *facts = trimtab_facts_of(shared);
    const double plain = score();
    trimtab_mix *axis = open_mix(), *own = open_mix();
    fine(trimtab_mix_add(axis, "language=40", &error));
    fine(trimtab_mix_settle(axis, &error));
    fine(trimtab_apply(shared, axis, &error));
    const double steered = score();
    assert_true(fabs(steered - plain) > 1e-3);

    float *rows = calloc((size_t)facts->blocks * facts->width, sizeof *rows);
    const trimtab_vector *sum = trimtab_mix_facts_of(axis)->vector;
    for (uint32_t K = 1; K < facts->blocks; K++) {
        const float *row = trimtab_vector_row(sum, K);
        if (row) memcpy(rows + (size_t)K * facts->width, row, facts->width * sizeof *row);
    }
    fine(trimtab_mix_add_rows(own, rows, facts->blocks, facts->width, 1, &error));
    fine(trimtab_mix_settle(own, &error));
    fine(trimtab_apply(shared, NULL, &error));
    assert_float_equal(score(), plain, 0);
    fine(trimtab_apply(shared, own, &error));
    assert_float_equal(score(), steered, 0);
    trimtab_mix_free(own);
    assert_float_equal(score(), steered, 0); /* the handle has its own copy */
    fine(trimtab_apply(shared, NULL, &error));

    rows[facts->width] = NAN;
    trimtab_mix_add_rows(axis, rows, facts->blocks, facts->width, 1, &error);
    expect(TRIMTAB_INPUT, "not a finite number");
    trimtab_mix_add_rows(axis, rows, 1, facts->width, 1, &error);
    expect(TRIMTAB_USAGE, "rows");
    rows[facts->width] = 0;
    fine(trimtab_mix_add_rows(axis, rows, facts->blocks, facts->width / 2, 1, &error));
    trimtab_mix_settle(axis, &error);
    assert_int_equal(error.status, TRIMTAB_INPUT);
    free(rows);
    trimtab_mix_free(axis);
}

static void a_mix_becomes_a_file_and_a_model(void **) {
    trimtab_mix_options options = trimtab_mix_defaults();
    options.folder = folder;
    options.model_file = model;
    trimtab_mix *mix;
    fine(mix = trimtab_mix_open(&options, &error));
    trimtab_merge(mix, scratch_path("empty.gguf"), &error);
    expect(TRIMTAB_INPUT, "nothing to write");
    fine(trimtab_mix_add(mix, "language=0.5", &error));
    fine(trimtab_mix_settle(mix, &error));
    char merged[400], baked_path[400];
    snprintf(merged, sizeof merged, "%s", scratch_path("mix.gguf"));
    snprintf(baked_path, sizeof baked_path, "%s", scratch_path("baked.gguf"));
    fine(trimtab_merge(mix, merged, &error));
    trimtab_vector *vector;
    fine(vector = trimtab_vector_read(merged, &error));
    assert_float_equal(trimtab_vector_cosine(vector, trimtab_mix_facts_of(mix)->vector, 0), 1, 1e-9);
    trimtab_vector_free(vector);
    trimtab_merge(mix, trimtab_vector_facts_of(trimtab_mix_part(mix, 0, NULL))->path, &error);
    expect(TRIMTAB_USAGE, "part of the mix");

    char *words;
    fine(words = trimtab_llama_options(mix, TRIMTAB_SYNTAX_LEGACY, &error));
    assert_non_null(strstr(words, "--control-vector-scaled"));
    trimtab_text_free(words);

    trimtab_baked *baked;
    fine(trimtab_bake_check(mix, &error));
    fine(trimtab_bake(mix, baked_path, NULL, &baked, &error));
    assert_string_equal(baked->files[0], baked_path);
    assert_int_equal(baked->biases, trimtab_vector_facts_of(trimtab_mix_facts_of(mix)->vector)->directions);
    trimtab_baked_free(baked);
    trimtab_mix_free(mix);
}

static int stop_at_once(const trimtab_progress *progress, void *user_data) {
    ++*(int *)user_data;
    return progress->done > 0;
}

static void baking_can_be_stopped(void **) {
    trimtab_mix_options options = trimtab_mix_defaults();
    options.folder = folder;
    options.model_file = model;
    trimtab_mix *mix;
    fine(mix = trimtab_mix_open(&options, &error));
    fine(trimtab_mix_add(mix, "language=0.5", &error));
    fine(trimtab_mix_settle(mix, &error));
    int calls = 0;
    trimtab_bake_options baking = trimtab_bake_defaults();
    baking.progress = stop_at_once;
    baking.user_data = &calls;
    trimtab_baked *baked;
    trimtab_bake(mix, scratch_path("stopped.gguf"), &baking, &baked, &error);
    assert_int_equal(error.status, TRIMTAB_INTERRUPTED);
    assert_null(baked);
    assert_true(calls > 0);
    trimtab_mix_free(mix);
}

static int count_calls(const trimtab_progress *progress, void *user_data) {
    assert_true(progress->done <= progress->total && progress->stage && progress->unit);
    ++*(int *)user_data;
    return 0;
}

static void vectors_are_evaluated(void **) {
    static const double values[] = {-1, 1};
    int calls = 0;
    trimtab_evaluate_options options = trimtab_evaluate_defaults();
    options.samples = 2;
    options.text_tokens = 8;
    options.values = values;
    options.value_count = 2;
    options.progress = count_calls;
    options.user_data = &calls;
    trimtab_evaluation *evaluation;
    fine(trimtab_evaluate(shared, folder, &options, &evaluation, &error));
    assert_int_equal(evaluation->axis_count, 1);
    assert_string_equal(evaluation->axes[0].name, "language");
    assert_string_equal(evaluation->axes[0].classes[0], "simple");
    assert_non_null(strstr(evaluation->json, "\"language\""));
    assert_non_null(strstr(evaluation->page, "</html>"));
    assert_non_null(strstr(evaluation->gallery, "</html>"));
    assert_true(calls > 1);
    trimtab_evaluation_free(evaluation);
    trimtab_evaluate(shared, "/nowhere", &options, &evaluation, &error);
    assert_int_not_equal(error.status, TRIMTAB_OK);
    assert_null(evaluation);
    options.hold_out = 1;
    trimtab_evaluate(shared, folder, &options, &evaluation, &error);
    expect(TRIMTAB_USAGE, "hold_out");
}

/* ==== Prompts and chats ==== */

static void tokens_there_and_back(void **) {
    trimtab_tokens *tokens;
    char *text;
    fine(tokens = trimtab_tokenize(shared, "Once upon a time", 0, &error));
    assert_true(tokens->count > 0);
    fine(text = trimtab_detokenize(shared, tokens->ids, tokens->count, &error));
    assert_non_null(strstr(text, "Once upon a time"));
    trimtab_text_free(text);
    trimtab_tokens_free(tokens);
    assert_null(trimtab_detokenize(shared, &(int32_t){-1}, 1, &error));
    expect(TRIMTAB_USAGE, "no token");
}

static void a_request_is_a_prompt(void **) {
    trimtab_prompt *list, *messages;
    fine(list = trimtab_prompt_request(shared, "[{\"role\": \"user\", \"content\": \"Hello\"}]", NULL, &error));
    fine(messages = trimtab_prompt_chat(shared, &(trimtab_message){"user", "Hello"}, 1, &error));
    assert_string_equal(list->text, messages->text);
    assert_int_equal(list->count, messages->count);
    assert_memory_equal(list->ids, messages->ids, list->count * sizeof *list->ids);
    trimtab_prompt_free(list);
    trimtab_prompt_free(messages);
    assert_null(trimtab_prompt_request(shared, "[", "mine.json", &error));
    expect(TRIMTAB_INPUT, "mine.json:1");
    assert_null(trimtab_prompt_chat(shared, NULL, 0, &error));
    expect(TRIMTAB_USAGE, "message");
}

static void a_chat_goes_on(void **) {
    trimtab_sampling *sampling;
    fine(sampling = trimtab_sampling_new(&error));
    fine(trimtab_sampling_set(sampling, "--temp", "0", &error));
    trimtab_generate_options options = trimtab_generate_defaults();
    options.sampling = sampling;
    options.limit = 8;
    trimtab_chat *chat;
    trimtab_answer *answer;
    fine(chat = trimtab_chat_begin(shared, "You are a pirate.", &error));
    fine(trimtab_chat_say(chat, "Tell me a story.", &options, &answer, &error));
    assert_string_equal(trimtab_chat_message(chat, 0).role, "system");
    assert_string_equal(trimtab_chat_message(chat, 1).content, "Tell me a story.");
    assert_string_equal(trimtab_chat_message(chat, 2).role, "assistant");
    assert_string_equal(trimtab_chat_message(chat, 2).content, answer->text);
    assert_null(trimtab_chat_message(chat, 3).role);
    const size_t first = answer->prompt_tokens;
    trimtab_answer_free(answer);
    fine(trimtab_chat_say(chat, "And then?", &options, &answer, &error));
    assert_true(answer->prompt_tokens > first && answer->reused_tokens > first / 2); /* what is known is not read again */
    trimtab_answer_free(answer);

    trimtab_chat_say(chat, "\xff", &options, &answer, &error);
    assert_int_equal(error.status, TRIMTAB_INPUT);
    assert_null(answer);
    assert_null(trimtab_chat_message(chat, 5).role); /* as it was */
    trimtab_chat_cut(chat, 1);
    assert_null(trimtab_chat_message(chat, 1).role);
    trimtab_chat_free(chat);
    trimtab_sampling_free(sampling);
}

static void sampling_goes_by_name(void **) {
    trimtab_sampling *sampling;
    fine(sampling = trimtab_sampling_new(&error));
    fine(trimtab_sampling_set(sampling, "top_k", "40", &error));
    fine(trimtab_sampling_set(sampling, "--top-k", "40", &error));
    fine(trimtab_sampling_set(sampling, "logit_bias", "3-inf", &error));
    trimtab_sampling_set(sampling, "top_kk", "40", &error);
    expect(TRIMTAB_USAGE, "top_kk");
    trimtab_sampling_set(sampling, "--top", "40", &error);
    expect(TRIMTAB_USAGE, "--top");
    trimtab_sampling_set(sampling, "top_k", "many", &error);
    expect(TRIMTAB_USAGE, "whole number");
    fine(trimtab_sampling_check(shared, sampling, &error));
    fine(trimtab_sampling_set(sampling, "samplers", "no_such_sampler", &error));
    trimtab_sampling_check(shared, sampling, &error);
    expect(TRIMTAB_USAGE, "no_such_sampler");
    bool found = false;
    size_t count = 0;
    for (const char *name; (name = trimtab_sampling_name(count)); count++) found |= !strcmp(name, "min_p");
    assert_true(found && count > 20 && !trimtab_sampling_name(SIZE_MAX));
    trimtab_sampling_free(sampling);
}

static void axes_and_files_of_them(void **) {
    trimtab_axis *axis;
    fine(axis = trimtab_axis_load("language", &error));
    assert_string_equal(axis->classes[0], "simple");
    assert_true(axis->pair_count > 1 && strlen(axis->pairs[1].side[1]) > 0);
    trimtab_axis_free(axis);
    assert_null(trimtab_axis_load("langauge", &error));
    expect(TRIMTAB_INPUT, "language");
    trimtab_findings *findings;
    fine(findings = trimtab_axis_check(scratch_text("bad.json", "{\"classes\": [\"a\"]}"), &error));
    assert_true(findings->errors > 0 && findings->count >= findings->errors && findings->list[0].line == 1);
    trimtab_findings_free(findings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_looked_at),
        cmocka_unit_test(a_smaller_structure_works),
        cmocka_unit_test(nothing_is_refused_with_a_sentence),
        cmocka_unit_test(another_handle_cannot_have_other_machines),
        cmocka_unit_test(a_vector_says_what_it_is),
        cmocka_unit_test(a_folder_lists_its_axes),
        cmocka_unit_test(a_mix_that_is_refused_is_what_it_was),
        cmocka_unit_test(rows_of_ones_own_are_a_vector),
        cmocka_unit_test(a_mix_becomes_a_file_and_a_model),
        cmocka_unit_test(baking_can_be_stopped),
        cmocka_unit_test(vectors_are_evaluated),
        cmocka_unit_test(tokens_there_and_back),
        cmocka_unit_test(a_request_is_a_prompt),
        cmocka_unit_test(a_chat_goes_on),
        cmocka_unit_test(sampling_goes_by_name),
        cmocka_unit_test(axes_and_files_of_them),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
