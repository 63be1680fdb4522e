/* man.c: `trimtab man`, which prints manual pages (terminal/man_page.h). The build runs it; it is hidden from help. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "terminal/man_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *page_of(const tt_command *command, tt_error *err) {
    tt_text text = {0};
    tt_man_page(&tt_trimtab, command, &text);
    return tt_text_take(&text, err);
}

static bool write_page(const tt_command *command, const char *folder, tt_error *err) {
    const bool is_root = command == tt_trimtab.root;
    char *page = page_of(command, err);
    char *path = page ? tt_format(err, "%s/trimtab%s%s.1", folder, is_root ? "" : "-", is_root ? "" : command->name) : NULL;
    const bool ok = path && tt_file_write(path, page, strlen(page), err);
    free(path);
    free(page);
    return ok;
}

static bool write_all_pages(const char *folder, tt_error *err) {
    if (!tt_make_folder(folder, err) || !write_page(tt_trimtab.root, folder, err)) return false;
    for (const tt_command *const *at = tt_trimtab.commands; *at; at++) {
        if (!(*at)->hidden && !write_page(*at, folder, err)) return false;
    }
    return true;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    const char *folder = tt_argument_text(arguments, "--output");
    if (folder) return write_all_pages(folder, err);
    const char *name = arguments->operand_count ? arguments->operands[0] : NULL;
    const tt_command *command = name ? tt_program_find(&tt_trimtab, name) : tt_trimtab.root;
    if (!command) return tt_fail(err, TT_ERROR_USAGE, "there is no command '%s'", name);
    char *page = page_of(command, err);
    if (page) fputs(page, stdout);
    free(page);
    return page != NULL;
}

static const tt_option options[] = {
    {"-o, --output", .kind = TT_OPTION_FOLDER, .argument = "DIR", .help = "write the pages of all commands there"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

const tt_command tt_command_man = {
    .name = "man",
    .purpose = TT_PURPOSE_OTHER,
    .hidden = true,
    .summary = "print a manual page in troff format",
    .operands = "[COMMAND]",
    .operands_most = 1,
    .groups = {&group},
    .run = run,
};
