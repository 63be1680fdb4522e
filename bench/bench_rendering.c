/* bench_rendering.c: what laying out conversations by a model's own chat template costs, next to capturing them.
 *
 * - "open": the time until the first prompt is laid out: starting the process that runs the template, and asking it once.
 * - each turn: a sample of all eight axes (17 prompts) laid out in one exchange, and captured.
 *
 * usage: bench_rendering MODEL.gguf [TURNS]; prints JSON, times in seconds. */
#include "base/clock.h"
#include "model/capture.h"
#include "model/chat.h"
#include "model/prompt.h"
#include "prompts/plan.h"

#include <stdio.h>
#include <stdlib.h>

enum { AXES_MOST = 32, ROWS_MOST = 1 + 2 * AXES_MOST };

static void give_up(const tt_error *err) {
    fprintf(stderr, "bench_rendering: %s\n", err->message);
    exit(1);
}

static double seconds_to_open(const tt_model *model) {
    static const tt_message hello = {"user", "Hello"};
    tt_error err = {0};
    const double begin = tt_seconds();
    tt_chat *chat = tt_chat_open(model, NULL, &err);
    char *prompt = chat ? tt_chat_render(chat, &hello, 1, &err) : NULL;
    const double seconds = tt_seconds() - begin;
    if (!prompt) give_up(&err);
    free(prompt);
    tt_chat_close(chat);
    return seconds;
}

/* Lays out sample `index` and captures it: {seconds of the one, seconds of the other}. */
static void measure(const tt_chat *chat, const tt_plan *plan, tt_capture *capture, size_t index, float *data,
                    double seconds[2]) {
    tt_error err = {0};
    tt_sample sample = {0};
    tt_asked asked[ROWS_MOST];
    tt_tokens tokens[ROWS_MOST];
    if (!tt_plan_sample(plan, TT_SPLIT_TRAINING, index, &sample, &err)) give_up(&err);
    const size_t rows = 1 + 2 * sample.axis_count;
    for (size_t row = 0; row < rows; row++)
        asked[row] =
            (tt_asked){row ? sample.systems[(row - 1) / 2][(row - 1) % 2] : sample.baseline, sample.writing_prompt};
    const double begin = tt_seconds();
    if (!tt_prompt_tokens(chat, asked, rows, false, tokens, &err)) give_up(&err);
    const double between = tt_seconds();
    if (!tt_capture_run(capture, tokens, rows, NULL, data, &err)) give_up(&err);
    seconds[0] = between - begin;
    seconds[1] = tt_seconds() - between;
    for (size_t row = 0; row < rows; row++) tt_tokens_free(&tokens[row]);
    tt_sample_free(&sample);
}

static void measure_all(tt_model *model, const tt_plan *plan, size_t turns) {
    tt_error err = {0};
    const tt_model_facts *facts = tt_model_facts_of(model);
    tt_chat *chat = tt_chat_open(model, NULL, &err);
    tt_capture *capture = chat ? tt_capture_open(model, &(tt_capture_options){0}, &err) : NULL;
    float *data = malloc(sizeof *data * ROWS_MOST * facts->blocks * facts->width);
    if (!capture || !data) give_up(&err);
    printf("{\"open\": %.6f, \"turns\": [", seconds_to_open(model));
    for (size_t i = 0; i < turns; i++) {
        double seconds[2];
        measure(chat, plan, capture, i, data, seconds);
        printf("%s{\"render\": %.6f, \"capture\": %.6f}", i ? ", " : "", seconds[0], seconds[1]);
    }
    printf("]}\n");
    free(data);
    tt_capture_close(capture);
    tt_chat_close(chat);
}

int main(int argc, char **argv) {
    tt_error err = {0};
    tt_axis axes[AXES_MOST];
    const size_t count = tt_axis_builtin_count();
    for (size_t i = 0; i < count; i++)
        if (!tt_axis_load(&axes[i], tt_axis_builtin_name(i), &err)) give_up(&err);
    const tt_plan_options options = {.prompts_per_system = TT_PLAN_PROMPTS_PER_SYSTEM, .held_out = TT_PLAN_HELD_OUT};
    tt_plan *plan = tt_plan_create(axes, count, &options, NULL, &err);
    tt_engine *engine = plan ? tt_engine_start(&(tt_engine_options){0}, &err) : NULL;
    tt_model *model =
        engine && argc > 1 ? tt_model_open(engine, &(tt_model_options){.path = argv[1]}, &err) : NULL;
    if (!model) give_up(&err);
    measure_all(model, plan, argc > 2 ? strtoul(argv[2], NULL, 10) : 5);
    tt_model_close(model);
    tt_engine_stop(engine);
    tt_plan_free(plan);
    for (size_t i = 0; i < count; i++) tt_axis_free(&axes[i]);
    return 0;
}
