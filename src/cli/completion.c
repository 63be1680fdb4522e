/* completion.c: `trimtab completion bash|zsh|fish`, which prints a completion script (terminal/completion.h). */
#include "terminal/completion.h"
#include "base/text.h"
#include "cli/commands.h"

#include <stdio.h>

static bool run(const tt_arguments *arguments, tt_error *err) {
    const char *shell = arguments->operands[0];
    tt_text text = {0};
    if (!tt_completion_script(&tt_trimtab, shell, &text))
        return tt_fail(err, TT_ERROR_USAGE, "there are completions for bash, zsh and fish, not for '%s'", shell);
    const bool ok = tt_text_ok(&text, err);
    if (ok) fputs(text.data, stdout);
    tt_text_free(&text);
    return ok;
}

const tt_command tt_command_completion = {
    .name = "completion",
    .purpose = TT_PURPOSE_OTHER,
    .summary = "print a script by which your shell completes trimtab's command lines",
    .description =
        "Prints a completion script for the shell, to be read at its start. An installed trimtab has them in place.",
    .operands = "bash|zsh|fish",
    .operands_least = 1,
    .operands_most = 1,
    .operand_kind = TT_OPTION_TEXT,
    .operand_choices = tt_completion_shells,
    .examples =
        {
            {"source <(trimtab completion bash)", "completes in this bash; in ~/.bashrc, in every one"},
            {"trimtab completion fish > ~/.config/fish/completions/trimtab.fish", "completes in every fish"},
        },
    .run = run,
};
