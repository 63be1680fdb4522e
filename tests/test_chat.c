/* test_chat.c: a conversation is laid out as the model's template says, also where libllama alone would do it otherwise.
 * (What the families' templates yield is tests/test_families.py's.) */
#include "model/chat.h"
#include "support/open_model.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a model with this template is handed for a greeting, or for one behind a system message. */
static void yields(const char *template_text, const char *wanted_name, const char *system, const char *expected) {
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    options.chat_template = template_text;
    struct tt_open_model open;
    tt_open_model_begin(&open, &options);
    tt_error err = {0};
    tt_chat *chat = tt_chat_open(open.model, wanted_name, &err);
    if (!chat) fail_msg("%s", err.message);
    const tt_message messages[] = {{"system", system}, {"user", "Hello"}};
    char *text = tt_chat_render(chat, system ? messages : messages + 1, system ? 2 : 1, &err);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    tt_chat_close(chat);
    tt_open_model_end(&open);
}

#define TURN "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"

/* With tools it is put together; without, it stands there whole. */
static const char with_default[] = "{% if tools %}{{ '<|im_start|>system\\n' }}{{ 'Tools: ' + tools + '<|im_end|>\\n' }}"
                                   "{% elif messages[0]['role'] != 'system' %}"
                                   "{{- '<|im_start|>system\\nBe kind, and brief.<|im_end|>\\n' }}{% endif %}...";
static const char newline_as_it_is[] = "{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}...";

static void a_default_system_message_is_given(void **) {
    yields(with_default, NULL, NULL, "<|im_start|>system\nBe kind, and brief.<|im_end|>\n" TURN);
    yields(newline_as_it_is, NULL, NULL, "<|im_start|>system\nBe kind.<|im_end|>\n" TURN);
}

static void the_users_own_takes_its_place(void **) {
    yields(with_default, NULL, "Be cruel.", "<|im_start|>system\nBe cruel.<|im_end|>\n" TURN);
}

static void a_named_template_has_none(void **) {
    yields(with_default, "chatml", NULL, TURN);
    yields(with_default, "none", NULL, "Hello\n\n");
}

static void code_is_no_message(void **) {
    static const char *const templates[] = {
        "{{ '<|im_start|>system\\n' + message['content'] + '<|im_end|>\\n' }}...",
        "{{ '<|im_start|>system\\n<|im_end|>\\n' }}...",
        "<|im_start|>system\n{{ content }}<|im_end|>...",
        "{{ '<|im_start|>system' }}<|im_end|>...",
        "{{ '<|im_start|>system\\nnever ended' }}...",
        tt_tiny_chatml,
    };
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) yields(templates[i], NULL, NULL, TURN);
}

static void mistrals_spaces_are_the_templates(void **) {
    yields("{{ '[SYSTEM_PROMPT]' + a + '[/SYSTEM_PROMPT]' }}{{ '[INST]' + b + '[/INST]' }}", NULL, "Be kind.",
           "[SYSTEM_PROMPT]Be kind.[/SYSTEM_PROMPT][INST]Hello[/INST]");
    yields("{{ '[SYSTEM_PROMPT] ' + a + '[/SYSTEM_PROMPT]' }}{{ '[INST] ' + b + '[/INST]' }}", NULL, "Be kind.",
           "[SYSTEM_PROMPT] Be kind.[/SYSTEM_PROMPT][INST] Hello[/INST]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_system_message_is_given), cmocka_unit_test(the_users_own_takes_its_place),
        cmocka_unit_test(a_named_template_has_none),         cmocka_unit_test(code_is_no_message),
        cmocka_unit_test(mistrals_spaces_are_the_templates),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
