/* axes.c: `trimtab axes`, which lists the built-in axes, shows one, and checks files. */
#include "cli/commands.h"
#include "cli/library.h"
#include "cli/shared_options.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "terminal/print_json.h"
#include "terminal/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verbs[] = {"list", "show", "check", NULL};

static trimtab_axis *load(const char *name, tt_error *err) {
    trimtab_error error;
    trimtab_axis *axis = trimtab_axis_load(name, &error);
    tt_went_well(&error, err);
    return axis;
}

/* ==== list ==== */

static void add_axis_json(yyjson_mut_doc *doc, yyjson_mut_val *list, const trimtab_axis *axis) {
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_obj_add_strcpy(doc, object, "name", axis->name);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, object, "classes");
    for (int side = 0; side < 2; side++) yyjson_mut_arr_add_strcpy(doc, classes, axis->classes[side]);
    yyjson_mut_obj_add_uint(doc, object, "pairs", axis->pair_count);
    yyjson_mut_obj_add_strcpy(doc, object, "group", axis->group);
    yyjson_mut_obj_add_strcpy(doc, object, "description", axis->description);
}

static bool list_json(tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "axes");
    const char *name;
    for (size_t i = 0; (name = trimtab_axis_name(i)); i++) {
        trimtab_axis *axis = load(name, err);
        if (!axis) {
            yyjson_mut_doc_free(doc);
            return false;
        }
        add_axis_json(doc, list, axis);
        trimtab_axis_free(axis);
    }
    return tt_print_json(doc, err);
}

static bool list_table(tt_error *err) {
    tt_table table = {0};
    tt_table_column(&table, "axis", false);
    tt_table_column(&table, "negative", false);
    tt_table_column(&table, "positive", false);
    tt_table_column(&table, "pairs", true);
    tt_table_column(&table, "group", false);
    bool ok = true;
    const char *name;
    for (size_t i = 0; ok && (name = trimtab_axis_name(i)); i++) {
        trimtab_axis *axis = load(name, err);
        ok = axis != NULL;
        if (!ok) break;
        tt_table_cell(&table, "%s", axis->name);
        for (int side = 0; side < 2; side++) tt_table_cell(&table, "%s", axis->classes[side]);
        tt_table_cell(&table, "%zu", axis->pair_count);
        tt_table_cell(&table, "%s", axis->group);
        trimtab_axis_free(axis);
    }
    ok = ok && tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

/* ==== show ==== */

/* As an axis file, to begin one's own from. */
static bool show_json(const trimtab_axis *axis, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = tt_json_object(&root);
    yyjson_mut_val *classes = yyjson_mut_obj_add_arr(doc, root, "classes");
    for (int side = 0; side < 2; side++) yyjson_mut_arr_add_str(doc, classes, axis->classes[side]);
    if (axis->group[0]) yyjson_mut_obj_add_str(doc, root, "group", axis->group);
    if (axis->description[0]) yyjson_mut_obj_add_str(doc, root, "description", axis->description);
    yyjson_mut_val *data = yyjson_mut_obj_add_arr(doc, root, "data");
    for (size_t i = 0; i < axis->pair_count; i++) {
        yyjson_mut_val *pair = yyjson_mut_arr_add_arr(doc, data);
        for (int side = 0; side < 2; side++) yyjson_mut_arr_add_str(doc, pair, axis->pairs[i].side[side]);
    }
    return tt_print_json(doc, err);
}

static bool show_text(const trimtab_axis *axis, tt_error *err) {
    tt_table table = {0};
    tt_table_column(&table, "pair", true);
    tt_table_column(&table, "class", false);
    tt_table_column(&table, "phrase", false);
    for (size_t i = 0; i < axis->pair_count; i++) {
        for (int side = 0; side < 2; side++) {
            if (side == 0)
                tt_table_cell(&table, "%zu", i + 1);
            else
                tt_table_cell(&table, "%s", "");
            tt_table_cell(&table, "%s", axis->classes[side]);
            tt_table_cell(&table, "%s", axis->pairs[i].side[side]);
        }
    }
    printf("%s: %s or %s, %zu %s%s%s\n", axis->name, axis->classes[0], axis->classes[1], axis->pair_count,
           axis->pair_count == 1 ? "pair" : "pairs", axis->group[0] ? ", " : "", axis->group);
    if (axis->description[0]) printf("%s\n", axis->description);
    putchar('\n');
    const bool ok = tt_table_print(&table, stdout, 0, err);
    tt_table_free(&table);
    return ok;
}

static bool show(const char *name, bool json, tt_error *err) {
    trimtab_axis *axis = load(name, err);
    const bool ok = axis && (json ? show_json(axis, err) : show_text(axis, err));
    trimtab_axis_free(axis);
    return ok;
}

/* ==== check ==== */

/* `file` is a name that can be shown: a program that reads findings takes one line for one of them. */
static void print_checked(const char *file, const trimtab_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        const trimtab_finding *finding = &findings->list[i];
        fputs(file, stdout);
        if (finding->line) printf(":%" PRIu64, finding->line);
        printf(": %s%s\n", finding->is_warning ? "warning: " : "", finding->message);
    }
    if (findings->errors && !findings->omitted) return;
    fputs(file, stdout);
    if (findings->omitted)
        printf(": and %zu more\n", findings->omitted);
    else
        printf(": ok, %zu %s\n", findings->pair_count, findings->pair_count == 1 ? "pair" : "pairs");
}

static void add_checked_json(yyjson_mut_doc *doc, const char *file, const trimtab_findings *findings) {
    yyjson_mut_val *files = yyjson_mut_obj_get(yyjson_mut_doc_get_root(doc), "files");
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(doc, files);
    yyjson_mut_obj_add_strcpy(doc, object, "file", file);
    yyjson_mut_obj_add_bool(doc, object, "ok", findings->errors == 0);
    yyjson_mut_obj_add_uint(doc, object, "pairs", findings->pair_count);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "findings");
    for (size_t i = 0; i < findings->count; i++) {
        const trimtab_finding *finding = &findings->list[i];
        yyjson_mut_val *entry = yyjson_mut_arr_add_obj(doc, list);
        if (finding->line) yyjson_mut_obj_add_uint(doc, entry, "line", finding->line);
        yyjson_mut_obj_add_str(doc, entry, "severity", finding->is_warning ? "warning" : "error");
        yyjson_mut_obj_add_strcpy(doc, entry, "message", finding->message);
    }
    yyjson_mut_obj_add_uint(doc, object, "omitted", findings->omitted);
}

/* Adds what is wrong with one file to `doc`, or prints it where there is none. */
static bool check_file(const char *file, yyjson_mut_doc *doc, bool *good, tt_error *err) {
    trimtab_error error;
    trimtab_findings *findings = trimtab_axis_check(file, &error);
    char *shown = tt_strdup(file, err);
    const bool ok = tt_went_well(&error, err) && shown;
    if (ok) {
        *good = *good && !findings->errors;
        tt_one_line(shown);
        if (doc)
            add_checked_json(doc, file, findings);
        else
            print_checked(shown, findings);
    }
    free(shown);
    trimtab_findings_free(findings);
    return ok;
}

/* The findings are the result, so they go to standard output; that there are errors is told by the exit status alone. */
static bool check(const char *const *files, size_t count, bool json, tt_error *err) {
    yyjson_mut_val *root;
    yyjson_mut_doc *doc = json ? tt_json_object(&root) : NULL;
    if (doc) yyjson_mut_obj_add_arr(doc, root, "files");
    bool good = true, complete = doc || !json || tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    for (size_t i = 0; complete && i < count; i++) complete = check_file(files[i], doc, &good, err);
    if (!complete) {
        yyjson_mut_doc_free(doc);
        return false;
    }
    if (json && !tt_print_json(doc, err)) return false;
    return good || tt_fail_quietly(err, TT_ERROR_INPUT);
}

/* ==== The command ==== */

static bool run(const tt_arguments *arguments, tt_error *err) {
    const bool json = tt_argument_flag(arguments, "--json");
    const char *verb = arguments->operand_count ? arguments->operands[0] : "list";
    const size_t count = arguments->operand_count ? arguments->operand_count - 1 : 0;
    if (strcmp(verb, "list") == 0) {
        if (count)
            return tt_fail(err, TT_ERROR_USAGE, "'trimtab axes list' takes no names; 'trimtab axes show NAME' shows one");
        return json ? list_json(err) : list_table(err);
    }
    if (strcmp(verb, "show") == 0) {
        if (count != 1)
            return tt_fail(err, TT_ERROR_USAGE, "'trimtab axes show' takes one axis: a built-in name, or a file");
        return show(arguments->operands[1], json, err);
    }
    if (strcmp(verb, "check") == 0) {
        if (!count) return tt_fail(err, TT_ERROR_USAGE, "'trimtab axes check' takes at least one axis file");
        return check(arguments->operands + 1, count, json, err);
    }
    const char *nearest = tt_nearest(verb, verbs, 3);
    if (nearest) return tt_fail(err, TT_ERROR_USAGE, "'trimtab axes' cannot '%s'; did you mean '%s'?", verb, nearest);
    return tt_fail(err, TT_ERROR_USAGE,
                   "'trimtab axes' takes list, show or check, not '%s'; 'trimtab axes show NAME' shows one", verb);
}

static const tt_option options[] = {
    {"--json", .help = "print JSON; of show: an axis file, to begin your own from"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

const tt_command tt_command_axes = {
    .name = "axes",
    .purpose = TT_PURPOSE_MAKE,
    .summary = "list, show and check axes",
    .description =
        "An axis is a choice between two classes, such as simple or ornate, told to the model in pairs of phrases. "
        "'list' lists the built-in axes; 'show' prints the pairs of one, built-in or from a file; 'check' reads axis "
        "files and tells everything that is wrong with them: the file, the line, and what to do. It fails where a file "
        "has an error; a warning is only advice.",
    .operands = "[list | show NAME|FILE | check FILE...]",
    .operand_kind = TT_OPTION_FILE,
    .operand_choices = verbs,
    .operand_suggestion = tt_suggest_axis,
    .groups = {&group},
    .examples =
        {
            {"trimtab axes", "list the built-in axes"},
            {"trimtab axes show language", "show the pairs of one"},
            {"trimtab axes show language --json >mine.json", "begin an axis of your own"},
            {"trimtab axes check mine.json", "find out whether it is in order"},
        },
    .run = run,
};
