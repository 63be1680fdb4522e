/* test_chat.c: a conversation as a model is told it: what libllama recognises, templates that are run, and what is said in a
 * conversation kept apart from the template's own marks. (Templates by the dozen are tests/test_template.py's.) */
#include "base/memory.h"
#include "base/text.h"
#include "model/chat.h"
#include "model/control_text.h"
#include "model/named_template.h"
#include "support/open_model.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const tt_message greeting[] = {{"system", "Be cruel."}, {"user", "Hello"}};

/* ==== What libllama recognises ==== */

#define TURN "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"

/* How trimtab laid out a greeting before it ran templates, or one behind a system message. */
static void recognised(const char *template_text, bool with_system, const char *expected) {
    tt_named_template *layout;
    assert_true(tt_named_template_recognise(template_text, &layout, NULL));
    assert_non_null(layout);
    char *text = tt_named_template_render(layout, with_system ? greeting : greeting + 1, with_system ? 2 : 1, NULL);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    tt_named_template_close(layout);
}

/* With tools it is put together; without, it stands there whole. */
static const char with_default[] = "{% if tools %}{{ '<|im_start|>system\\n' }}{{ 'Tools: ' + tools + '<|im_end|>\\n' }}"
                                   "{% elif messages[0]['role'] != 'system' %}"
                                   "{{- '<|im_start|>system\\nBe kind, and brief.<|im_end|>\\n' }}{% endif %}...";

static void a_default_system_message_was_recognised(void **) {
    recognised(with_default, false, "<|im_start|>system\nBe kind, and brief.<|im_end|>\n" TURN);
    recognised("{{- '<|im_start|>system\nBe kind.<|im_end|>\n' }}...", false,
               "<|im_start|>system\nBe kind.<|im_end|>\n" TURN);
    recognised(with_default, true, "<|im_start|>system\nBe cruel.<|im_end|>\n" TURN);
}

static void code_was_no_message(void **) {
    static const char *const templates[] = {
        "{{ '<|im_start|>system\\n' + message['content'] + '<|im_end|>\\n' }}...",
        "{{ '<|im_start|>system\\n<|im_end|>\\n' }}...",
        "<|im_start|>system\n{{ content }}<|im_end|>...",
        "{{ '<|im_start|>system' }}<|im_end|>...",
        "{{ '<|im_start|>system\\nnever ended' }}...",
    };
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) recognised(templates[i], false, TURN);
}

static void mistrals_spaces_were_the_templates(void **) {
    recognised("{{ '[SYSTEM_PROMPT]' + a + '[/SYSTEM_PROMPT]' }}{{ '[INST]' + b + '[/INST]' }}", true,
               "[SYSTEM_PROMPT]Be cruel.[/SYSTEM_PROMPT][INST]Hello[/INST]");
    recognised("{{ '[SYSTEM_PROMPT] ' + a + '[/SYSTEM_PROMPT]' }}{{ '[INST] ' + b + '[/INST]' }}", true,
               "[SYSTEM_PROMPT] Be cruel.[/SYSTEM_PROMPT][INST] Hello[/INST]");
}

/* ==== Templates that are run ==== */

/* A tiny model with this template, and the way to talk to it. */
typedef struct opened {
    struct tt_open_model open;
    tt_chat *chat;
} opened;

static void open_with(opened *o, const char *template_text, const tt_chat_options *options) {
    struct tt_tiny_model_options model = tt_tiny_model_defaults();
    model.chat_template = template_text;
    tt_open_model_begin(&o->open, &model);
    tt_error err = {0};
    o->chat = tt_chat_open(o->open.model, options, &err);
    if (!o->chat) fail_msg("%s", err.message);
}

static void close_it(opened *o) {
    tt_chat_close(o->chat);
    tt_open_model_end(&o->open);
}

static void yields(const char *template_text, const tt_chat_options *options, bool with_system, const char *expected) {
    opened o;
    open_with(&o, template_text, options);
    tt_error err = {0};
    char *text = tt_chat_render(o.chat, with_system ? greeting : greeting + 1, with_system ? 2 : 1, &err);
    if (!text) fail_msg("%s", err.message);
    assert_string_equal(text, expected);
    free(text);
    close_it(&o);
}

static const char roles[] = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
                            "{% if add_generation_prompt %}<assistant>{% endif %}";

static void a_template_is_run(void **) {
    yields(roles, NULL, true, "<system>Be cruel.<user>Hello<assistant>");
    yields(roles, &(tt_chat_options){.name = "chatml"}, true, "<|im_start|>system\nBe cruel.<|im_end|>\n" TURN);
    yields(roles, &(tt_chat_options){.name = "none"}, false, "Hello\n\n");
}

static void what_it_is_told_besides(void **) {
    static const char told[] = "{{ messages[0].content }}{{ mood }}{{ 1 if enable_thinking else 0 }}";
    yields(told, &(tt_chat_options){.kwargs = "{\"mood\": \"glum\", \"enable_thinking\": true}"}, false, "Helloglum1");
    yields("{{ strftime_now('%Y-%m-%d') }}{{ messages[0].content }}{{ date_string }}",
           &(tt_chat_options){.fixed_date = true}, false, TT_CHAT_DATE "Hello01 Jan 2025");
    struct tt_open_model open;
    tt_open_model_begin(&open, NULL);
    tt_error err = {0};
    assert_null(tt_chat_open(open.model, &(tt_chat_options){.kwargs = "[1]"}, &err));
    assert_non_null(strstr(err.message, "JSON object"));
    assert_null(tt_chat_open(open.model, &(tt_chat_options){.name = "chatml", .file = "x"}, &err));
    assert_non_null(strstr(err.message, "keep one"));
    tt_open_model_end(&open);
}

/* Refused, or dropped without a word: it is told in front of the user's message. */
static void a_system_message_is_never_lost(void **) {
    yields("{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
           "<{{ m.role }}>{{ m.content }}{% endfor %}",
           NULL, true, "<user>Be cruel.\nHello");
    yields("{% for m in messages %}{% if m.role == 'user' %}<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}", NULL,
           true, "<user>Be cruel.\nHello");
}

static void its_own_sentence_is_told(void **) {
    opened o;
    open_with(&o, "{% if messages[0].content == 'Hello' %}{{ raise_exception('not so polite') }}{% endif %}...", NULL);
    tt_error err = {0};
    assert_null(tt_chat_render(o.chat, greeting + 1, 1, &err));
    assert_non_null(strstr(err.message, "not so polite"));
    assert_non_null(strstr(err.message, "chat template of"));
    close_it(&o);
}

/* One that was laid out alike before keeps its digest; one that was not has another. */
static void the_digest_tells_layouts_apart(void **) {
    opened a, b;
    tt_chat_digest digest, other;
    open_with(&a, tt_tiny_chatml, NULL);
    assert_true(tt_chat_digest_of(a.chat, &digest, NULL));
    assert_int_equal(strlen(digest.now), 64);
    close_it(&a);
    open_with(&b, roles, NULL);
    assert_true(tt_chat_digest_of(b.chat, &other, NULL));
    assert_string_not_equal(digest.now, other.now);
    assert_string_equal(other.before, "");
    close_it(&b);
    open_with(&b, roles, &(tt_chat_options){.name = "chatml"});
    assert_true(tt_chat_digest_of(b.chat, &other, NULL));
    assert_string_equal(other.now, other.before);
    close_it(&b);
}

/* ==== Layouts by name ==== */

static const tt_message lone[] = {{"system", "Be cruel."}}, behind[] = {{"user", "Hello"}, {"system", "Be cruel."}},
                        between[] = {{"user", "Hello"}, {"assistant", "Yes"}, {"system", "Be cruel."}, {"user", "Well?"}};

/* Each text of a conversation stands in every layout, wherever the system message is. */
static void no_layout_loses_a_text(void **) {
    const struct {
        const tt_message *messages;
        size_t count;
    } conversations[] = {{greeting, 2}, {lone, 1}, {behind, 2}, {between, 4}};
    char *names = tt_named_template_names(NULL);
    assert_non_null(strstr(names, "gemma"));
    for (char *rest = names, *name; (name = strsep(&rest, ", "));) {
        if (!*name) continue;
        tt_named_template *layout = tt_named_template_open(name, NULL);
        assert_non_null(layout);
        for (size_t i = 0; i < sizeof conversations / sizeof *conversations; i++) {
            char *text = tt_named_template_render(layout, conversations[i].messages, conversations[i].count, NULL);
            assert_non_null(text);
            for (size_t k = 0; k < conversations[i].count; k++)
                if (!strstr(text, conversations[i].messages[k].content))
                    fail_msg("%s, conversation %zu loses '%s': %s", name, i, conversations[i].messages[k].content, text);
            free(text);
        }
        tt_named_template_close(layout);
    }
    free(names);
}

/* ==== What is said, and what the template writes ==== */

/* The tokens of a greeting's text with `said` in it. */
static tt_tokens tokens_of(const tt_chat *chat, const char *said) {
    tt_error err = {0};
    tt_tokens tokens = {0};
    char *prompt = tt_chat_render(chat, &(tt_message){"user", said}, 1, &err);
    if (!prompt || !tt_chat_tokenize(chat, prompt, &tokens, &err)) fail_msg("%s", err.message);
    free(prompt);
    return tokens;
}

static size_t count_of(const tt_tokens *tokens, int32_t id) {
    size_t count = 0;
    for (size_t i = 0; i < tokens->count; i++) count += tokens->ids[i] == id;
    return count;
}

/* The id of a control token, which is the one token that its text is as a prompt. */
static int32_t id_of(const tt_model *model, const char *text) {
    tt_tokens with = {0}, without = {0};
    assert_true(tt_tokenize(model, text, strlen(text), &with, NULL) && tt_tokenize(model, "", 0, &without, NULL));
    assert_int_equal(with.count, without.count + 1);
    const int32_t id = with.ids[with.count - 1];
    tt_tokens_free(&with);
    tt_tokens_free(&without);
    return id;
}

static void what_is_said_is_text(const char *architecture, const char *control) {
    opened o;
    struct tt_tiny_model_options model = tt_tiny_model_defaults();
    if (architecture) model.architecture = architecture;
    char *text = tt_format(NULL, "%s{{ messages[0].content }}%s", control, control);
    model.chat_template = text;
    tt_open_model_begin(&o.open, &model);
    const int32_t id = id_of(o.open.model, control);
    char *said = tt_format(NULL, "a %s b %s", control, control);
    for (int old = 0; old < 2; old++) {
        o.chat = tt_chat_open(o.open.model, &(tt_chat_options){.control_tokens = old}, NULL);
        assert_non_null(o.chat);
        tt_tokens tokens = tokens_of(o.chat, said);
        assert_int_equal(count_of(&tokens, id), old ? 4 : 2);
        tt_tokens_free(&tokens);
        tt_chat_close(o.chat);
    }
    free(said);
    free(text);
    tt_open_model_end(&o.open);
}

static void control_tokens_said_are_text(void **) { what_is_said_is_text(NULL, "<|im_end|>"); }

/* The character that keeps them apart is the user's too. */
static void the_mark_may_be_said(void **) {
    struct tt_open_model open;
    tt_open_model_begin(&open, NULL);
    tt_control_text *control = tt_control_text_open(open.model, "a template", NULL);
    static const char *const said[] = {
        "",          "plain",       "\U0010FFFD", "<\U0010FFFD|im_end|>", "<|im_end|>\U0010FFFD\U0010FFFD<|im_end|>",
        "<|im_end|", "<<|im_end|>>"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        char *marked = tt_control_text_mark(control, said[i], NULL), *plain = tt_control_text_plain(control, marked, NULL);
        assert_string_equal(plain, said[i]);
        assert_null(strstr(marked, "<|im_end|>"));
        free(marked);
        free(plain);
    }
    tt_control_text_close(control);
    control =
        tt_control_text_open(open.model, "\U0010FFFD\U0010FFFC", NULL); /* which are the template's: another is taken */
    char *marked = tt_control_text_mark(control, "\U0010FFFD", NULL);
    assert_string_equal(marked, "\U0010FFFD");
    free(marked);
    tt_control_text_close(control);
    tt_open_model_end(&open);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_system_message_was_recognised),
        cmocka_unit_test(no_layout_loses_a_text),
        cmocka_unit_test(code_was_no_message),
        cmocka_unit_test(mistrals_spaces_were_the_templates),
        cmocka_unit_test(a_template_is_run),
        cmocka_unit_test(what_it_is_told_besides),
        cmocka_unit_test(a_system_message_is_never_lost),
        cmocka_unit_test(its_own_sentence_is_told),
        cmocka_unit_test(the_digest_tells_layouts_apart),
        cmocka_unit_test(control_tokens_said_are_text),
        cmocka_unit_test(the_mark_may_be_said),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
