/* commands.c: the list of commands. Its order is the order in which help shows them. */
#include "cli/commands.h"

static const tt_option root_options[] = {{"--version", .help = "show the version and exit"}};
static const tt_option_group root_group = {"Options", root_options, 1};

static const tt_command root = {
    .name = "trimtab",
    .summary = "make, measure and apply control vectors for language models",
    .description =
        "A control vector turns a language model as a trim tab turns a ship: a small force on every block that shifts "
        "how the model writes, without changing its weights. trimtab makes control vectors from a GGUF model, "
        "measures how well they steer, and applies them.\n\n"
        "Where a command needs a model and none is given, it takes the one that TRIMTAB_MODEL names.",
    .operands = "COMMAND [ARGUMENT...]",
    .stops_at_operand = true,
    .groups = {&root_group},
};

static const tt_command *const commands[] = {
    &tt_command_train,    &tt_command_run,
    &tt_command_serve,    &tt_command_command,
    &tt_command_merge,    &tt_command_bake,
    &tt_command_axes,     &tt_command_inspect,
    &tt_command_eval,     &tt_command_card,
    &tt_command_template, &tt_command_completion,
    &tt_command_man,      NULL,
};

const tt_program tt_trimtab = {
    .root = &root,
    .commands = commands,
    .purposes = {[TT_PURPOSE_MAKE] = "Make control vectors",
                 [TT_PURPOSE_APPLY] = "Use control vectors",
                 [TT_PURPOSE_EXAMINE] = "Look into them",
                 [TT_PURPOSE_OTHER] = "Other"},
};
