/* test_api.c: the public C API as a program meets it, on the tiny model: what it gives, what it refuses, how it is stopped.
 */
#include "support/scratch.h"
#include "support/tiny_model.h"
#include "trimtab.h"

#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

static const char *model, *base_model; /* the second has no chat template */
static char folder[256];               /* of the models, for the vectors too */
static trimtab *shared;                /* with vectors for "language" made */

static const char prompt[] = "Tell me a story.";

static trimtab_options few_threads(void) {
    trimtab_options options = trimtab_defaults();
    options.threads = 1;
    options.context = 256;
    return options;
}

static trimtab *open_model(const char *path) {
    const trimtab_options options = few_threads();
    trimtab_error error;
    trimtab *t = trimtab_open(path, &options, &error);
    if (!t) fail_msg("%s", error.message);
    assert_int_equal(error.status, TRIMTAB_OK);
    assert_string_equal(error.message, "");
    return t;
}

static const char *const language[] = {"language"};

static trimtab_train_options small_training(void) {
    trimtab_train_options options = trimtab_train_defaults();
    options.axes = language;
    options.axis_count = 1;
    options.samples = 24;
    options.tolerance = 0.001;
    options.name = "Tiny";
    return options;
}

static const char *write_model(const char *name, const struct tt_tiny_model_options *options) {
    const char *path = scratch_text(name, "");
    assert_true(tt_tiny_model_write(path, options));
    return path;
}

static trimtab_sampling *sampling_with(const char *name, const char *value);
static trimtab_sampling *seeded; /* the same text each time */

static int begin(void **) {
    seeded = sampling_with(NULL, NULL);
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    model = write_model("tiny.gguf", &options);
    options.chat_template = NULL;
    base_model = write_model("base.gguf", &options);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(model, '/') - model), model);
    shared = open_model(model);
    const trimtab_train_options training = small_training();
    trimtab_error error;
    if (trimtab_train(shared, folder, &training, NULL, &error)) fail_msg("%s", error.message);
    return 0;
}

static int end(void **) {
    trimtab_sampling_free(seeded);
    trimtab_close(shared);
    return 0;
}

static trimtab_generate_options same_each_time(void) {
    trimtab_generate_options options = trimtab_generate_defaults();
    options.sampling = seeded;
    options.limit = 24;
    return options;
}

/* What the model answers; the caller's. */
static char *answer_of(trimtab *t) {
    const trimtab_generate_options options = same_each_time();
    trimtab_answer *answer;
    trimtab_error error;
    if (trimtab_generate(t, prompt, &options, &answer, &error)) fail_msg("%s", error.message);
    char *text = strdup(answer->text);
    trimtab_answer_free(answer);
    return text;
}

/* With one more option. The caller's. */
static trimtab_sampling *sampling_with(const char *name, const char *value) {
    trimtab_sampling *sampling = trimtab_sampling_new(NULL);
    assert_int_equal(trimtab_sampling_set(sampling, "seed", "7", NULL), TRIMTAB_OK);
    trimtab_error error;
    if (name && trimtab_sampling_set(sampling, name, value, &error)) fail_msg("%s", error.message);
    return sampling;
}

static void expect(trimtab_status status, const char *words, trimtab_status got, const trimtab_error *error) {
    if (!strstr(error->message, words)) fail_msg("no '%s' in '%s'", words, error->message);
    assert_int_equal(got, status);
    assert_int_equal(error->status, status);
}

/* ==== Opening ==== */

static void library_tells_version_and_axes(void **) {
    assert_string_equal(trimtab_version(), TRIMTAB_VERSION);
    size_t count = 0;
    bool found = false;
    for (const char *name; (name = trimtab_axis_name(count)); count++) found |= !strcmp(name, "language");
    assert_true(found);
    assert_null(trimtab_axis_name(count));
    assert_null(trimtab_axis_name(SIZE_MAX));
}

static void what_is_no_model_is_refused(void **) {
    const struct {
        const char *path, *words;
        trimtab_status status;
    } cases[] = {
        {NULL, "needs the path of a model", TRIMTAB_USAGE},
        {"", "needs the path of a model", TRIMTAB_USAGE},
        {"/nowhere/none.gguf", "there is no model", TRIMTAB_INPUT},
        {scratch_text("text.gguf", "no model at all, but long enough to be looked at"), "is not a GGUF file", TRIMTAB_INPUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trimtab_error error;
        assert_null(trimtab_open(cases[i].path, NULL, &error));
        expect(cases[i].status, cases[i].words, error.status, &error);
        assert_null(trimtab_open(cases[i].path, NULL, NULL));
    }
    trimtab_options options = trimtab_defaults();
    trimtab_error error;
    options.threads = -1;
    assert_null(trimtab_open(model, &options, &error));
    expect(TRIMTAB_USAGE, "threads", error.status, &error);
    options = trimtab_defaults();
    options.micro_batch = -1;
    assert_null(trimtab_open(model, &options, &error));
    expect(TRIMTAB_USAGE, "micro_batch", error.status, &error);
}

static int stop_loading(const trimtab_progress *progress, void *user_data) {
    assert_string_equal(progress->stage, "loading");
    assert_true(progress->done <= progress->total);
    ++*(int *)user_data;
    return 1;
}

static void loading_can_be_stopped(void **) {
    int calls = 0;
    trimtab_options options = few_threads();
    options.progress = stop_loading;
    options.user_data = &calls;
    trimtab_error error;
    assert_null(trimtab_open(model, &options, &error));
    expect(TRIMTAB_INTERRUPTED, "was stopped", error.status, &error);
    assert_int_equal(calls, 1);
}

static void handles_are_independent(void **) {
    trimtab_error error;
    trimtab *one = open_model(model), *other = open_model(model);
    assert_int_equal(trimtab_steer(one, folder, "language=40", 1, &error), TRIMTAB_OK);
    char *steered = answer_of(one);
    trimtab_close(one);
    char *plain = answer_of(other), *same = answer_of(shared);
    assert_string_equal(plain, same);
    assert_string_not_equal(plain, steered);
    trimtab_close(other);
    free(steered);
    free(plain);
    free(same);
}

/* With no other handle open, so that the engine is stopped and started again. */
static void engine_starts_again(void **) {
    char *before = answer_of(shared);
    trimtab_close(shared);
    shared = open_model(model);
    char *after = answer_of(shared);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void null_handles_are_refused(void **) {
    trimtab_error error;
    trimtab_answer *answer;
    expect(TRIMTAB_USAGE, "trimtab_train", trimtab_train(NULL, folder, NULL, NULL, &error), &error);
    expect(TRIMTAB_USAGE, "trimtab_steer", trimtab_steer(NULL, folder, NULL, 0, &error), &error);
    expect(TRIMTAB_USAGE, "needs a handle", trimtab_generate(NULL, prompt, NULL, &answer, &error), &error);
    assert_null(answer);
    assert_string_equal(trimtab_warnings(NULL), "");
    trimtab_cancel(NULL);
    trimtab_close(NULL);
    trimtab_answer_free(NULL);
}

/* ==== Training ==== */

static void training_refuses_nonsense(void **) {
    trimtab_error error;
    expect(TRIMTAB_USAGE, "folder", trimtab_train(shared, NULL, NULL, NULL, &error), &error);
    trimtab_train_options options = small_training();
    const char *const unknown[] = {"langauge"}, *const none[] = {NULL};
    options.axes = unknown;
    expect(TRIMTAB_INPUT, "language", trimtab_train(shared, folder, &options, NULL, &error), &error);
    options.axes = none;
    expect(TRIMTAB_USAGE, "axes[0]", trimtab_train(shared, folder, &options, NULL, &error), &error);
    options.axes = NULL;
    expect(TRIMTAB_USAGE, "axes is NULL", trimtab_train(shared, folder, &options, NULL, &error), &error);
    options = small_training();
    options.samples = 1;
    expect(TRIMTAB_INPUT, "too few", trimtab_train(shared, folder, &options, NULL, &error), &error);
    options = small_training();
    options.method = "guessing";
    assert_int_not_equal(trimtab_train(shared, folder, &options, NULL, &error), TRIMTAB_OK);
    assert_non_null(strstr(error.message, "guessing"));
    options = small_training();
    options.tolerance = NAN;
    expect(TRIMTAB_USAGE, "tolerance", trimtab_train(shared, folder, &options, NULL, &error), &error);
    options = small_training();
    options.hold_out = 1;
    expect(TRIMTAB_USAGE, "hold_out", trimtab_train(shared, folder, &options, NULL, &error), &error);
}

typedef struct listener {
    uint64_t stop_at; /* samples; 0: never */
    uint64_t captured, solved;
    char note[512];
} listener;

static int hear_progress(const trimtab_progress *progress, void *user_data) {
    listener *l = user_data;
    assert_true(progress->done <= progress->total);
    const bool capturing = !strcmp(progress->stage, "capturing");
    *(capturing ? &l->captured : &l->solved) = progress->done;
    return capturing && l->stop_at && progress->done >= l->stop_at;
}

static int hear_note(const char *sentence, void *user_data) {
    listener *l = user_data;
    snprintf(l->note, sizeof l->note, "%s", sentence);
    return 0;
}

static void training_stops_and_goes_on(void **) {
    listener l = {.stop_at = 1};
    trimtab_train_options options = small_training();
    static const char *const other[] = {"storytelling"};
    options.axes = other;
    options.samples = 200;
    options.progress = hear_progress;
    options.on_note = hear_note;
    options.user_data = &l;
    trimtab_error error;
    assert_int_equal(trimtab_train(shared, folder, &options, NULL, &error), TRIMTAB_INTERRUPTED);
    assert_true(strlen(error.message) > 0);
    assert_true(l.captured >= 1 && l.captured < 200);
    assert_int_equal(l.solved, 0);
    l = (listener){0};
    if (trimtab_train(shared, folder, &options, NULL, &error)) fail_msg("%s", error.message);
    assert_non_null(strstr(l.note, "going on with"));
    assert_int_equal(l.captured, 200);
    assert_true(l.solved >= 1);
}

/* ==== Steering ==== */

static void steering_changes_the_text_until_it_is_cleared(void **) {
    trimtab_error error;
    char *plain = answer_of(shared);
    if (trimtab_steer(shared, folder, "language=40", 1, &error)) fail_msg("%s", error.message);
    char *steered = answer_of(shared);
    assert_string_not_equal(plain, steered);
    assert_true(strlen(trimtab_warnings(shared)) > 0); /* 40 is no usual value */
    /* A mix that is refused changes nothing. */
    assert_int_not_equal(trimtab_steer(shared, folder, "optimism_vs_nihilism=1", 0, &error), TRIMTAB_OK);
    assert_true(strlen(trimtab_warnings(shared)) > 0);
    char *still = answer_of(shared);
    assert_string_equal(steered, still);
    assert_int_equal(trimtab_steer(shared, NULL, NULL, 0, &error), TRIMTAB_OK);
    assert_string_equal(trimtab_warnings(shared), "");
    char *cleared = answer_of(shared);
    assert_string_equal(plain, cleared);
    free(plain);
    free(steered);
    free(still);
    free(cleared);
}

static void steering_refuses_nonsense(void **) {
    trimtab_error error;
    expect(TRIMTAB_USAGE, "folder", trimtab_steer(shared, NULL, "language=0.5", 0, &error), &error);
    assert_int_not_equal(trimtab_steer(shared, folder, "langauge=0.5", 0, &error), TRIMTAB_OK);
    assert_non_null(strstr(error.message, "language"));
    assert_int_not_equal(trimtab_steer(shared, folder, "language=much", 0, &error), TRIMTAB_OK);
    assert_non_null(strstr(error.message, "much"));
    assert_int_not_equal(trimtab_steer(shared, "/nowhere", "language=0.5", 0, &error), TRIMTAB_OK);
    assert_non_null(strstr(error.message, "/nowhere"));
}

/* ==== Writing ==== */

typedef struct stream {
    char text[4096];
    size_t pieces, most; /* stops after `most`; 0: never */
    trimtab *cancel;     /* cancelled at the first piece, unless NULL */
} stream;

static int hear_text(const char *bytes, size_t length, void *user_data) {
    stream *s = user_data;
    assert_int_equal(strlen(bytes), length);
    strncat(s->text, bytes, sizeof s->text - strlen(s->text) - 1);
    if (s->cancel) trimtab_cancel(s->cancel);
    return s->most && ++s->pieces >= s->most;
}

static void text_streams_and_stops(void **) {
    stream s = {0};
    trimtab_generate_options options = same_each_time();
    options.on_text = hear_text;
    options.user_data = &s;
    trimtab_answer *answer;
    trimtab_error error;
    assert_int_equal(trimtab_generate(shared, prompt, &options, &answer, &error), TRIMTAB_OK);
    assert_string_equal(s.text, answer->text);
    assert_int_equal(strlen(answer->text), answer->length);
    assert_true(answer->stop == TRIMTAB_STOP_LIMIT && answer->written_tokens == 24);
    assert_true(answer->prompt_tokens > 4);
    trimtab_answer_free(answer);

    char whole[sizeof s.text];
    memcpy(whole, s.text, sizeof whole);
    s = (stream){.most = 2};
    assert_int_equal(trimtab_generate(shared, prompt, &options, &answer, &error), TRIMTAB_OK);
    assert_int_equal(answer->stop, TRIMTAB_STOP_CALLER);
    assert_true(strlen(s.text) < strlen(whole) && !strncmp(s.text, whole, strlen(s.text)));
    trimtab_answer_free(answer);

    s = (stream){.cancel = shared};
    assert_int_equal(trimtab_generate(shared, prompt, &options, NULL, &error), TRIMTAB_OK);
    assert_true(strlen(s.text) < strlen(whole));
    s = (stream){0}; /* and the next call is not concerned */
    assert_int_equal(trimtab_generate(shared, prompt, &options, NULL, NULL), TRIMTAB_OK);
    assert_string_equal(s.text, whole);
}

static void writing_refuses_nonsense(void **) {
    trimtab_answer *answer;
    trimtab_error error;
    trimtab_generate_options options = same_each_time();
    expect(TRIMTAB_USAGE, "prompt", trimtab_generate(shared, NULL, &options, &answer, &error), &error);
    expect(TRIMTAB_INPUT, "UTF-8", trimtab_generate(shared, "\xff", &options, &answer, &error), &error);
    const trimtab_message messages[] = {{"system", "\xc3"}, {"user", prompt}};
    assert_null(trimtab_prompt_chat(shared, messages, 2, &error));
    expect(TRIMTAB_INPUT, "system message", error.status, &error);
    trimtab_sampling *none = sampling_with("grammar", "no grammar");
    expect(TRIMTAB_USAGE, "temperature", trimtab_sampling_set(none, "temperature", "-1", &error), &error);
    options.sampling = none;
    assert_int_not_equal(trimtab_generate(shared, prompt, &options, &answer, &error), TRIMTAB_OK);
    assert_null(answer);
    trimtab_sampling_free(none);
}

/* The caller's. */
static trimtab_answer *written(trimtab *t, trimtab_prompt *to) {
    const trimtab_generate_options options = same_each_time();
    trimtab_answer *answer;
    trimtab_error error;
    assert_non_null(to);
    if (trimtab_write(t, to, &options, &answer, &error)) fail_msg("%s", error.message);
    trimtab_prompt_free(to);
    return answer;
}

static void options_reach_the_model(void **) {
    trimtab_generate_options options = same_each_time();
    trimtab_answer *plain, *answer;
    trimtab_sampling *grammar = sampling_with("grammar", "root ::= \"yes\" | \"no\"");
    options.sampling = grammar;
    assert_int_equal(trimtab_generate(shared, prompt, &options, &answer, NULL), TRIMTAB_OK);
    assert_true(!strcmp(answer->text, "yes") || !strcmp(answer->text, "no"));
    assert_int_equal(answer->stop, TRIMTAB_STOP_END);
    assert_int_equal(answer->seed, 7);
    trimtab_answer_free(answer);
    trimtab_sampling_free(grammar);
    options = same_each_time();
    assert_int_equal(trimtab_generate(shared, prompt, &options, &plain, NULL), TRIMTAB_OK);
    const trimtab_message messages[] = {{"system", "You are a pirate."}, {"user", prompt}};
    answer = written(shared, trimtab_prompt_chat(shared, messages, 2, NULL));
    assert_true(answer->prompt_tokens > plain->prompt_tokens);
    trimtab_answer_free(answer);
    answer = written(shared, trimtab_prompt_raw(shared, prompt, NULL));
    assert_true(answer->prompt_tokens < plain->prompt_tokens);
    trimtab_answer_free(answer);
    options.limit = 0;
    assert_int_equal(trimtab_generate(shared, prompt, &options, &answer, NULL), TRIMTAB_OK);
    assert_string_equal(answer->text, "");
    trimtab_answer_free(answer);
    trimtab_answer_free(plain);
}

static void a_base_model_needs_raw_or_a_template(void **) {
    trimtab *t = open_model(base_model);
    trimtab_answer *answer;
    trimtab_error error;
    expect(TRIMTAB_MODEL, "chat template", trimtab_generate(t, prompt, NULL, &answer, &error), &error);
    assert_null(trimtab_chat_begin(t, NULL, &error));
    expect(TRIMTAB_MODEL, "chat template", error.status, &error);
    trimtab_answer_free(written(t, trimtab_prompt_raw(t, prompt, NULL)));
    trimtab_close(t);
}

int main(void) {
    setlocale(LC_ALL, ""); /* as programs do that talk to people; see test_locale_and_clock_slow.py */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_tells_version_and_axes),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(loading_can_be_stopped),
        cmocka_unit_test(handles_are_independent),
        cmocka_unit_test(engine_starts_again),
        cmocka_unit_test(null_handles_are_refused),
        cmocka_unit_test(training_refuses_nonsense),
        cmocka_unit_test(training_stops_and_goes_on),
        cmocka_unit_test(steering_changes_the_text_until_it_is_cleared),
        cmocka_unit_test(steering_refuses_nonsense),
        cmocka_unit_test(text_streams_and_stops),
        cmocka_unit_test(writing_refuses_nonsense),
        cmocka_unit_test(options_reach_the_model),
        cmocka_unit_test(a_base_model_needs_raw_or_a_template),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
