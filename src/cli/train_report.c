/* train_report.c: see train_report.h */
#include "cli/train_report.h"
#include "base/json.h"
#include "base/text.h"
#include "terminal/console.h"
#include "terminal/interrupt.h"
#include "terminal/print_json.h"
#include "terminal/table.h"

#include <stdlib.h>
#include <unistd.h>

/* ==== Progress ==== */

static int show_progress(const trimtab_progress *at, void *user_data) {
    tt_train_talk *talk = user_data;
    if (talk->wanted && talk->stage != at->stage) {
        tt_progress_begin(&talk->progress, stderr, isatty(STDERR_FILENO), at->stage, at->unit, at->total, at->done);
        talk->stage = at->stage;
    }
    tt_progress_set(&talk->progress, at->done);
    if (at->done == at->total) {
        tt_progress_end(&talk->progress);
        talk->progress = (tt_progress){0};
    }
    return atomic_load(tt_interrupt_flag());
}

static int say(const char *sentence, void *user_data) {
    tt_train_talk *talk = user_data;
    if (talk->wanted && talk->progress.stream)
        tt_progress_note(&talk->progress, "%s", sentence);
    else if (talk->wanted)
        fprintf(stderr, "%s\n", sentence); /* between two stages */
    return 0;
}

void tt_train_talk_begin(tt_train_talk *talk, bool wanted, trimtab_train_options *options) {
    *talk = (tt_train_talk){.wanted = wanted};
    options->progress = show_progress;
    options->on_note = say;
    options->user_data = talk;
}

/* ==== Tables ==== */

static bool print_axis(const trimtab_trained_axis *axis, tt_error *err) {
    printf("%s: %s or %s\n", axis->name, axis->classes[0], axis->classes[1]);
    tt_table table = {0};
    tt_table_column(&table, "block", true);
    tt_table_column(&table, "kept", true);
    tt_table_column(&table, "used", true);
    tt_table_column(&table, "ratio %", true);
    tt_table_column(&table, "variance -%", true);
    tt_table_column(&table, "deviations", true);
    tt_table_column(&table, "", true);
    tt_table_column(&table, "means", true);
    tt_table_column(&table, "", true);
    tt_table_column(&table, "de-bias", true);
    tt_table_column(&table, "side", true);
    for (size_t i = 0; i < axis->figure_count; i++) {
        const trimtab_block_figures *f = &axis->figures[i];
        tt_table_cell(&table, "%u", f->block);
        tt_table_cell(&table, "%u", f->kept);
        tt_table_cell(&table, "%u", f->accepted);
        tt_table_cell(&table, "%.0f", 100 * (double)f->discriminant_ratio);
        tt_table_cell(&table, "%.1f", 100 * (double)f->variance_reduction);
        tt_table_cell(&table, "%.3g", (double)f->deviations[0]);
        tt_table_cell(&table, "%.3g", (double)f->deviations[1]);
        tt_table_cell(&table, "%.3g", (double)f->means[0]);
        tt_table_cell(&table, "%.3g", (double)f->means[1]);
        tt_table_cell(&table, "%.3g", (double)f->middle);
        tt_table_cell(&table, "%.3g", (double)(f->means[1] - f->middle));
    }
    const bool ok = tt_table_print(&table, stdout, 2, err);
    tt_table_free(&table);
    for (int i = 0; i < 3; i++) {
        fputs("  ", stdout);
        tt_console_print(stdout, axis->files[i]);
        putchar('\n');
    }
    return ok;
}

static bool print_tables(const trimtab_training *result, tt_error *err) {
    for (size_t i = 0; i < result->axis_count; i++)
        if (!print_axis(&result->axes[i], err)) return false;
    return true;
}

/* Where the time went; talk, not data. */
static void print_times(const trimtab_training *result) {
    char capture[32], solve[32];
    if (result->computed_tokens)
        fprintf(stderr, "captured %llu prompts in %s: %.0f tokens/s, of %llu tokens %llu had to be computed\n",
                (unsigned long long)result->prompts, tt_duration_text(result->capture_seconds, capture),
                (double)result->computed_tokens / result->capture_seconds, (unsigned long long)result->plain_tokens,
                (unsigned long long)result->computed_tokens);
    if (result->axis_count) fprintf(stderr, "found the directions in %s\n", tt_duration_text(result->solve_seconds, solve));
}

/* ==== JSON ==== */

/* The axes' full figures are in the report files: here is what happened, and where they are. */
static bool print_training_json(const trimtab_training *result, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_uint(doc, root, "prompts", result->prompts);
    yyjson_mut_obj_add_uint(doc, root, "plain_tokens", result->plain_tokens);
    yyjson_mut_obj_add_uint(doc, root, "computed_tokens", result->computed_tokens);
    yyjson_mut_obj_add_real(doc, root, "capture_seconds", result->capture_seconds);
    yyjson_mut_obj_add_real(doc, root, "solve_seconds", result->solve_seconds);
    yyjson_mut_obj_add_real(doc, root, "write_seconds", result->write_seconds);
    yyjson_mut_val *axes = yyjson_mut_obj_add_arr(doc, root, "axes");
    for (size_t i = 0; i < result->axis_count; i++) {
        const trimtab_trained_axis *axis = &result->axes[i];
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, axes);
        yyjson_mut_obj_add_str(doc, object, "axis", axis->name);
        yyjson_mut_obj_add_uint(doc, object, "blocks", axis->figure_count);
        yyjson_mut_obj_add_uint(doc, object, "eigenpairs", axis->eigenpairs);
        yyjson_mut_val *files = yyjson_mut_obj_add_arr(doc, object, "files");
        for (int k = 0; k < 3; k++) yyjson_mut_arr_add_str(doc, files, axis->files[k]);
        yyjson_mut_obj_add_str(doc, object, "report", axis->report);
    }
    return tt_print_json(doc, err);
}

bool tt_print_training(const trimtab_training *result, bool json, tt_error *err) {
    if (json) return print_training_json(result, err);
    if (!print_tables(result, err)) return false;
    fflush(stdout);
    print_times(result);
    return true;
}

/* ==== The forecast ==== */

static bool print_forecast_json(const trimtab_forecast *f, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_uint(doc, root, "axes", f->axes);
    yyjson_mut_obj_add_uint(doc, root, "samples", f->samples);
    yyjson_mut_obj_add_uint(doc, root, "prompts", f->prompts);
    yyjson_mut_obj_add_uint(doc, root, "plain_prompts", f->plain_prompts);
    yyjson_mut_obj_add_real(doc, root, "plain_tokens", f->plain_tokens);
    yyjson_mut_obj_add_real(doc, root, "computed_tokens", f->computed_tokens);
    yyjson_mut_obj_add_uint(doc, root, "states_bytes", f->states_bytes);
    yyjson_mut_obj_add_uint(doc, root, "vector_bytes", f->vector_bytes);
    yyjson_mut_obj_add_uint(doc, root, "memory_bytes", f->memory_bytes);
    yyjson_mut_obj_add_real(doc, root, "tokens_per_second", f->tokens_per_second);
    yyjson_mut_obj_add_bool(doc, root, "measured", f->measured);
    yyjson_mut_obj_add_real(doc, root, "capture_seconds", f->capture_seconds);
    yyjson_mut_obj_add_real(doc, root, "solve_seconds", f->solve_seconds);
    return tt_print_json(doc, err);
}

bool tt_print_forecast(const trimtab_forecast *f, bool json, tt_error *err) {
    if (json) return print_forecast_json(f, err);
    char disk[32], vectors[32], memory[32], capture[32], solve[32];
    printf("prompts   %llu, for %llu axes at %llu samples (one by one: %llu)\n", (unsigned long long)f->prompts,
           (unsigned long long)f->axes, (unsigned long long)f->samples, (unsigned long long)f->plain_prompts);
    printf("tokens    %.0f to compute, %.2f of the %.0f that nothing shared would take\n", f->computed_tokens,
           f->computed_tokens / f->plain_tokens, f->plain_tokens);
    printf("disk      %s for hidden states while it runs, %s for the vectors\n",
           tt_bytes_text((double)f->states_bytes, disk), tt_bytes_text((double)f->vector_bytes, vectors));
    printf("memory    %s at the peak\n", tt_bytes_text((double)f->memory_bytes, memory));
    printf("time      %s to capture at %.0f tokens/s (%s), %s to find the directions\n",
           tt_duration_text(f->capture_seconds, capture), f->tokens_per_second,
           f->measured ? "measured just now" : "as given", tt_duration_text(f->solve_seconds, solve));
    return true;
}
