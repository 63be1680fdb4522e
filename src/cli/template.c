/* template.c: `trimtab template`, what a model is told for a conversation: its chat template, run. */
#include "base/file.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/shared_options.h"
#include "terminal/console.h"
#include "terminal/print_json.h"

#include <stdlib.h>
#include <string.h>

enum { REQUEST_MOST = 1 << 26 };

static const tt_option options[] = {
    {"--messages", .kind = TT_OPTION_FILE, .argument = "FILE", .preset_text = "an example",
     .help = "a conversation (JSON) as OpenAI's interface takes it: \"messages\", and perhaps \"tools\", "
             "\"chat_template_kwargs\", \"add_generation_prompt\"; '-' is standard input. Prints the prompt to the letter"},
    {"--json", .help = "print the prompt, its tokens and what reading the answer takes as JSON"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

static const char example[] = "{\"messages\": [{\"role\": \"system\", \"content\": \"You are a helpful assistant.\"},"
                              "{\"role\": \"user\", \"content\": \"Hello\"},"
                              "{\"role\": \"assistant\", \"content\": \"Hi there\"},"
                              "{\"role\": \"user\", \"content\": \"How are you?\"}]}";

static trimtab_prompt *read_prompt(const tt_arguments *arguments, trimtab *t, tt_error *err) {
    const char *file = tt_argument_text(arguments, "--messages");
    trimtab_error error;
    size_t length;
    if (!file) {
        trimtab_prompt *prompt = trimtab_prompt_request(t, example, "the example", &error);
        tt_went_well(&error, err);
        return prompt;
    }
    const bool standard = !strcmp(file, "-");
    char *text = tt_file_read(standard ? "/dev/stdin" : file, REQUEST_MOST, &length, err);
    if (!text) return NULL;
    trimtab_prompt *prompt = trimtab_prompt_request(t, text, standard ? "standard input" : file, &error);
    tt_went_well(&error, err);
    free(text);
    return prompt;
}

/* ==== Printing ==== */

static void add_texts(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *const *texts, size_t count) {
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, key);
    for (size_t i = 0; i < count; i++) yyjson_mut_arr_add_str(doc, list, texts[i]);
}

static const char *or_empty(const char *text) { return text ? text : ""; }

static bool print_json(const trimtab_prompt *prompt, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "template", prompt->template_name);
    if (trimtab_template_engine()) yyjson_mut_obj_add_str(doc, root, "engine", trimtab_template_engine());
    yyjson_mut_obj_add_str(doc, root, "prompt", prompt->text);
    yyjson_mut_val *ids = yyjson_mut_obj_add_arr(doc, root, "tokens");
    for (size_t i = 0; i < prompt->count; i++) yyjson_mut_arr_add_int(doc, ids, prompt->ids[i]);
    yyjson_mut_obj_add_bool(doc, root, "folds_system", prompt->folds_system);
    yyjson_mut_obj_add_str(doc, root, "generation_prompt", or_empty(prompt->generation_prompt));
    yyjson_mut_val *thinking = yyjson_mut_obj_add_obj(doc, root, "thinking");
    yyjson_mut_obj_add_bool(doc, thinking, "known", prompt->thinks);
    yyjson_mut_obj_add_bool(doc, thinking, "opened", prompt->thinking_opened);
    yyjson_mut_obj_add_str(doc, thinking, "start", or_empty(prompt->thinking_start));
    add_texts(doc, thinking, "ends", prompt->thinking_ends, prompt->thinking_end_count);
    yyjson_mut_obj_add_str(doc, root, "tool_calls", or_empty(prompt->tool_calls));
    add_texts(doc, root, "stops", prompt->stops, prompt->stop_count);
    add_texts(doc, root, "preserved_tokens", prompt->preserved, prompt->preserved_count);
    if (*or_empty(prompt->grammar)) yyjson_mut_obj_add_str(doc, root, "grammar", prompt->grammar);
    return tt_print_json(doc, err);
}

/* The prompt, its control tokens in colour. */
static bool print_coloured(trimtab *t, const char *text, tt_error *err) {
    const bool colour = tt_console_colour(stdout);
    trimtab_error error;
    size_t length;
    const char *token;
    for (; (token = trimtab_control_token(t, text, &length, &error)); text = token + length) {
        fwrite(text, 1, (size_t)(token - text), stdout);
        printf("%s%.*s%s", colour ? "\033[36m" : "", (int)length, token, colour ? "\033[0m" : "");
    }
    puts(text);
    return tt_went_well(&error, err);
}

/* A mark in one line: its newlines as escapes. */
static void print_mark(const char *mark) {
    for (; *mark; mark++)
        if (*mark == '\n')
            fputs("\\n", stdout);
        else
            putchar(*mark);
}

static bool print_example(trimtab *t, const trimtab_prompt *prompt, tt_error *err) {
    if (!print_coloured(t, prompt->text, err)) return false;
    printf("\ntemplate: %s\n", prompt->template_name);
    if (!prompt->tool_calls) return true;
    if (prompt->folds_system) puts("system messages: the template takes none; their text is put in front of a user message");
    if (prompt->thinks) {
        printf("thinking: %s", *prompt->thinking_start ? "begins with " : "known");
        print_mark(prompt->thinking_start);
        for (size_t i = 0; i < prompt->thinking_end_count; i++) {
            fputs(i ? " or " : ", ends with ", stdout);
            print_mark(prompt->thinking_ends[i]);
        }
        puts(prompt->thinking_opened ? "; the prompt opens it" : "");
    } else {
        puts("thinking: the template knows of none");
    }
    printf("tool calls: %s\n", prompt->tool_calls);
    return true;
}

/* ==== The command ==== */

static bool show(const tt_arguments *arguments, trimtab *t, const trimtab_prompt *prompt, tt_error *err) {
    if (tt_argument_flag(arguments, "--json")) return print_json(prompt, err);
    if (!tt_argument_text(arguments, "--messages")) return print_example(t, prompt, err);
    fputs(prompt->text, stdout);
    return true;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    trimtab *t = tt_open_given(arguments, tt_options_given(arguments), true, err);
    trimtab_prompt *prompt = t ? read_prompt(arguments, t, err) : NULL;
    const bool ok = prompt && show(arguments, t, prompt, err);
    trimtab_prompt_free(prompt);
    tt_close_given(t);
    return ok;
}

const tt_command tt_command_template = {
    .name = "template",
    .purpose = TT_PURPOSE_EXAMINE,
    .summary = "show what a model is told for a conversation",
    .description = "Runs the model's chat template, as llama-server does, and prints the text that the model gets. Without "
                   "--messages it is "
                   "an example, with the control tokens in colour, the marks that thinking stands between, and the form "
                   "that tool calls "
                   "have.",
    .run = run,
    .groups = {&group, &tt_model_group},
    .examples = {{"trimtab template -m model.gguf", "an example conversation in the model's own template"},
                 {"trimtab template -m model.gguf --messages request.json", "the prompt for a request, to the letter"}},
};
