/* template.c: `trimtab template`, what a model is told for a conversation: its chat template, run. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/shared_options.h"
#include "model/control_text.h"
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

/* A conversation's messages alone count as a request too. */
static yyjson_doc *in_a_request(yyjson_doc *messages, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_val(doc, root, "messages", yyjson_val_mut_copy(doc, yyjson_doc_get_root(messages)));
    char *text = tt_json_text(doc, YYJSON_WRITE_NOFLAG, NULL, err);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(messages);
    yyjson_doc *request = text ? tt_json_parse("the conversation", text, strlen(text), err) : NULL;
    free(text);
    return request;
}

static yyjson_doc *read_request(const char *file, tt_error *err) {
    if (!file) return tt_json_parse("the example", example, strlen(example), err);
    size_t length;
    const bool standard = !strcmp(file, "-");
    char *text = tt_file_read(standard ? "/dev/stdin" : file, REQUEST_MOST, &length, err);
    yyjson_doc *doc = text ? tt_json_parse(standard ? "standard input" : file, text, length, err) : NULL;
    free(text);
    return doc && yyjson_is_arr(yyjson_doc_get_root(doc)) ? in_a_request(doc, err) : doc;
}

/* A named layout takes messages whose contents are texts. */
static bool render_named(const tt_chat *chat, yyjson_val *request, tt_rendered *rendered, tt_error *err) {
    yyjson_val *list = yyjson_obj_get(request, "messages"), *message;
    const size_t count = yyjson_arr_size(list);
    tt_message *messages = tt_alloc(count, sizeof *messages, err);
    bool ok = messages && (count || tt_fail(err, TT_ERROR_INPUT, "the request has no \"messages\""));
    yyjson_arr_iter at = yyjson_arr_iter_with(list);
    for (size_t i = 0; ok && (message = yyjson_arr_iter_next(&at)); i++) {
        messages[i] = (tt_message){yyjson_get_str(yyjson_obj_get(message, "role")),
                                   yyjson_get_str(yyjson_obj_get(message, "content"))};
        if (!messages[i].role || !messages[i].content)
            ok = tt_fail(err, TT_ERROR_INPUT,
                         "message %zu has no \"role\" or no \"content\" that is text, and libllama's "
                         "layouts take nothing else",
                         i + 1);
    }
    ok = ok && tt_chat_render_whole(chat, messages, count, rendered, err);
    free(messages);
    return ok;
}

/* ==== Printing ==== */

static void add_texts(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, char *const *texts, size_t count) {
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, key);
    for (size_t i = 0; i < count; i++) yyjson_mut_arr_add_str(doc, list, texts[i]);
}

static bool print_json(const tt_chat *chat, const tt_rendered *rendered, const char *prompt, tt_error *err) {
    tt_tokens tokens;
    if (!tt_chat_tokenize(chat, rendered->prompt, &tokens, err)) return false;
    const tt_template_facts facts = tt_chat_facts(chat);
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_obj_add_str(doc, root, "template", tt_chat_name(chat));
    if (tt_template_engine()) yyjson_mut_obj_add_str(doc, root, "engine", tt_template_engine());
    yyjson_mut_obj_add_str(doc, root, "prompt", prompt);
    yyjson_mut_val *ids = yyjson_mut_obj_add_arr(doc, root, "tokens");
    for (size_t i = 0; i < tokens.count; i++) yyjson_mut_arr_add_int(doc, ids, tokens.ids[i]);
    yyjson_mut_obj_add_bool(doc, root, "folds_system", facts.folds_system);
    yyjson_mut_obj_add_str(doc, root, "generation_prompt", rendered->generation_prompt ? rendered->generation_prompt : "");
    yyjson_mut_val *thinking = yyjson_mut_obj_add_obj(doc, root, "thinking");
    yyjson_mut_obj_add_bool(doc, thinking, "known", rendered->thinks);
    yyjson_mut_obj_add_bool(doc, thinking, "opened", rendered->thinking_opened);
    yyjson_mut_obj_add_str(doc, thinking, "start", rendered->thinking_start ? rendered->thinking_start : "");
    add_texts(doc, thinking, "ends", rendered->thinking_ends, rendered->thinking_end_count);
    yyjson_mut_obj_add_str(doc, root, "tool_calls", rendered->format ? rendered->format : "");
    add_texts(doc, root, "stops", rendered->stops, rendered->stop_count);
    add_texts(doc, root, "preserved_tokens", rendered->preserved, rendered->preserved_count);
    if (rendered->grammar && *rendered->grammar) yyjson_mut_obj_add_str(doc, root, "grammar", rendered->grammar);
    const bool ok = tt_print_json(doc, err);
    tt_tokens_free(&tokens);
    return ok;
}

/* The prompt, its control tokens in colour. */
static bool print_coloured(const tt_model *model, const char *prompt, tt_error *err) {
    tt_control_text *control = tt_control_text_open(model, NULL, err);
    if (!control) return false;
    const bool colour = tt_console_colour(stdout);
    size_t length;
    const char *token;
    for (; (token = tt_control_text_find(control, prompt, &length)); prompt = token + length) {
        fwrite(prompt, 1, (size_t)(token - prompt), stdout);
        printf("%s%.*s%s", colour ? "\033[36m" : "", (int)length, token, colour ? "\033[0m" : "");
    }
    puts(prompt);
    tt_control_text_close(control);
    return true;
}

/* A mark in one line: its newlines as escapes. */
static void print_mark(const char *mark) {
    for (; *mark; mark++)
        if (*mark == '\n')
            fputs("\\n", stdout);
        else
            putchar(*mark);
}

static bool print_example(const tt_model *model, const tt_chat *chat, const tt_rendered *rendered, const char *prompt,
                          tt_error *err) {
    if (!print_coloured(model, prompt, err)) return false;
    const tt_template_facts facts = tt_chat_facts(chat);
    printf("\ntemplate: %s\n", tt_chat_name(chat));
    if (!rendered->format) return true;
    if (facts.folds_system) puts("system messages: the template takes none; their text is put in front of a user message");
    if (rendered->thinks) {
        printf("thinking: %s", *rendered->thinking_start ? "begins with " : "known");
        print_mark(rendered->thinking_start);
        for (size_t i = 0; i < rendered->thinking_end_count; i++) {
            fputs(i ? " or " : ", ends with ", stdout);
            print_mark(rendered->thinking_ends[i]);
        }
        puts(rendered->thinking_opened ? "; the prompt opens it" : "");
    } else {
        puts("thinking: the template knows of none");
    }
    printf("tool calls: %s\n", rendered->format);
    return true;
}

/* ==== The command ==== */

static bool show(const tt_arguments *arguments, const tt_model *model, const tt_chat *chat, yyjson_val *request,
                 tt_error *err) {
    const tt_chat_options given = tt_chat_given(arguments);
    tt_rendered rendered = {0};
    if (given.name ? !render_named(chat, request, &rendered, err) : !tt_chat_render_request(chat, request, &rendered, err))
        return false;
    char *prompt = tt_chat_plain(chat, rendered.prompt, err);
    bool ok = prompt != NULL;
    if (ok && tt_argument_flag(arguments, "--json"))
        ok = print_json(chat, &rendered, prompt, err);
    else if (ok && tt_argument_text(arguments, "--messages"))
        fputs(prompt, stdout);
    else if (ok)
        ok = print_example(model, chat, &rendered, prompt, err);
    free(prompt);
    tt_rendered_free(&rendered);
    return ok;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    yyjson_doc *request = read_request(tt_argument_text(arguments, "--messages"), err);
    if (!request) return false;
    tt_engine *engine = NULL;
    tt_model *model = tt_model_open_given(arguments, true, &engine, err);
    const tt_chat_options layout = tt_chat_given(arguments);
    tt_chat *chat = model ? tt_chat_open(model, &layout, err) : NULL;
    const bool ok = chat && show(arguments, model, chat, yyjson_doc_get_root(request), err);
    tt_chat_close(chat);
    tt_model_close(model);
    tt_engine_stop(engine);
    yyjson_doc_free(request);
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
