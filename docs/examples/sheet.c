/* sheet.c: the same prompts at several values of an axis, as a sheet (HTML) to read side by side; and how surprising the
 * unsteered model finds each text, as its perplexity.
 *
 *     sheet MODEL FOLDER AXIS VALUE,VALUE,... PROMPT... >sheet.html */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trimtab.h>

/* Prints what has no meaning to HTML. */
static void print_text(const char *text) {
    for (; *text; text++) switch (*text) {
        case '<':
            fputs("&lt;", stdout);
            break;
        case '>':
            fputs("&gt;", stdout);
            break;
        case '&':
            fputs("&amp;", stdout);
            break;
        default:
            putchar(*text);
        }
}

/* Applies "AXIS=VALUE" alone. */
static trimtab_status set_value(trimtab *t, trimtab_mix *mix, const char *axis, double value, trimtab_error *error) {
    char text[256];
    trimtab_mix_clear(mix);
    snprintf(text, sizeof text, "%s=%g", axis, value);
    if (trimtab_mix_add(mix, text, error) || trimtab_mix_settle(mix, error)) return error->status;
    return trimtab_apply(t, mix, error);
}

/* One row: the answer at the value in use, and its perplexity without any. */
static trimtab_status print_row(trimtab *t, const trimtab_prompt *prompt, double value,
                                const trimtab_generate_options *options, trimtab_error *error) {
    trimtab_answer *answer;
    double likelihood = 0;
    size_t tokens = 1;
    if (trimtab_write(t, prompt, options, &answer, error) || trimtab_apply(t, NULL, error)) return error->status;
    if (*answer->text) trimtab_score(t, prompt, answer->text, &likelihood, &tokens, error);
    printf("<tr><td>%g<td>%.1f<td>", value, exp(-likelihood / (double)tokens));
    print_text(answer->text);
    putchar('\n');
    trimtab_answer_free(answer);
    return error->status;
}

/* All rows of one prompt. */
static trimtab_status print_prompt(trimtab *t, trimtab_mix *mix, const char *axis, const char *values, const char *text,
                                   const trimtab_generate_options *options, trimtab_error *error) {
    const trimtab_message message = {"user", text};
    trimtab_prompt *prompt = trimtab_prompt_chat(t, &message, 1, error);
    printf("<h2>");
    print_text(text);
    printf("</h2>\n<table>\n<tr><th>%s<th>perplexity<th>text\n", axis);
    while (!error->status && *values) {
        char *end;
        const double value = strtod(values, &end);
        if (end == values) break;
        values = end + (*end == ',');
        if (!set_value(t, mix, axis, value, error)) print_row(t, prompt, value, options, error);
    }
    puts("</table>");
    trimtab_prompt_free(prompt);
    return error->status;
}

int main(int count, char **words) {
    trimtab_error error = {TRIMTAB_OK, ""};
    if (count < 6) {
        fputs("usage: sheet MODEL FOLDER AXIS VALUE,VALUE,... PROMPT...\n", stderr);
        return 2;
    }
    trimtab *t = trimtab_open(words[1], NULL, &error);
    trimtab_sampling *sampling = error.status ? NULL : trimtab_sampling_new(&error);
    trimtab_mix_options mix_options = trimtab_mix_defaults();
    mix_options.folder = words[2];
    mix_options.model = t;
    trimtab_mix *mix = error.status ? NULL : trimtab_mix_open(&mix_options, &error);
    trimtab_generate_options options = trimtab_generate_defaults();
    options.sampling = sampling;
    options.limit = 100;
    if (!error.status) trimtab_sampling_set(sampling, "seed", "1", &error);
    if (!error.status) puts("<!DOCTYPE html><meta charset=\"utf-8\"><title>A sheet</title>");
    for (int i = 5; !error.status && i < count; i++) print_prompt(t, mix, words[3], words[4], words[i], &options, &error);
    if (error.status) fprintf(stderr, "sheet: %s\n", error.message);
    trimtab_mix_free(mix);
    trimtab_sampling_free(sampling);
    trimtab_close(t);
    return error.status ? 1 : 0;
}
