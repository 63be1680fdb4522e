/* axis.c: see axis.h */
#include "prompts/axis.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/plain.h"
#include "base/text.h"
#include "prompts/builtin.h"
#include "prompts/source.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

static const char classes_remedy[] = "write \"classes\": [\"NEGATIVE\", \"POSITIVE\"]";
static const char data_remedy[] = "write \"data\": [[\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"], ...]";
static const char name_rule[] = "letters, digits, '_', '-' and '.', at most 64, with a letter or digit first";

void tt_axis_free(tt_axis *axis) {
    for (size_t i = 0; i < axis->pair_count; i++)
        for (int side = 0; side < 2; side++) free(axis->pairs[i].side[side]);
    free(axis->pairs);
    free(axis->name);
    free(axis->classes[TT_NEGATIVE]);
    free(axis->classes[TT_POSITIVE]);
    free(axis->group);
    free(axis->description);
    *axis = (tt_axis){0};
}

/* ==== Checking ==== */

/* Names become parts of file names and of options (NAME=VALUE), on every system. */
static bool name_fits(const char *name) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    const size_t length = strlen(name);
    return length && length <= 64 && strchr(letters, name[0]) && strspn(name, all) == length;
}

static void check_name(const tt_source *source, const char *name) {
    char quote[TT_QUOTE];
    if (!name_fits(name))
        tt_findings_error(source->findings, 0,
                          "the file names its axis, and \"%s\" is no name for one; rename the file so that it has %s",
                          tt_quote(name, quote), name_rule);
}

static void check_class(const tt_source *source, yyjson_val *value) {
    char quote[TT_QUOTE];
    const char *name = tt_source_phrase(source, value, "the class");
    if (!name) return;
    const size_t line = tt_source_line(source, value);
    if (!name_fits(name))
        tt_findings_error(source->findings, line, "the class \"%s\" is unfit for a file name; use %s", tt_quote(name, quote),
                          name_rule);
    else if (strstr(name, "__"))
        tt_findings_error(source->findings, line,
                          "the class \"%s\" holds \"__\", which parts axis and class in file names; use \"_\"",
                          tt_quote(name, quote));
    else if (strcasecmp(name, "debias") == 0)
        tt_findings_error(source->findings, line, "the class \"%s\" has the name of the de-bias file; use another word",
                          name);
}

static void check_classes(const tt_source *source) {
    yyjson_val *classes = tt_source_array(source, "classes", classes_remedy);
    if (!classes) return;
    const size_t line = tt_source_line(source, classes), count = yyjson_arr_size(classes);
    if (count != 2) {
        tt_findings_error(source->findings, line, "\"classes\" has %zu %s, not two; %s", count,
                          count == 1 ? "entry" : "entries", classes_remedy);
        return;
    }
    yyjson_val *negative = yyjson_arr_get(classes, 0), *positive = yyjson_arr_get(classes, 1);
    check_class(source, negative);
    check_class(source, positive);
    if (!yyjson_is_str(negative) || !yyjson_is_str(positive)) return;
    /* Some file systems ignore letter case. */
    if (strcasecmp(yyjson_get_str(negative), yyjson_get_str(positive)) == 0)
        tt_findings_error(source->findings, line,
                          "both classes have one name; name what tells the negative from the positive");
}

static size_t characters(const char *text) { return u8_mbsnlen((const uint8_t *)text, strlen(text)); }

static void advise_pair(const tt_source *source, yyjson_val *value, const char *negative, const char *positive) {
    const size_t line = tt_source_line(source, value), a = characters(negative), b = characters(positive);
    const size_t longer = a > b ? a : b, shorter = a > b ? b : a;
    if (longer * 2 > shorter * 3)
        tt_findings_warning(
            source->findings, line,
            "one side has %zu characters, the other %zu; match them in length, so that only the class differs", a, b);
    if (negative[strlen(negative) - 1] == '.' || positive[strlen(positive) - 1] == '.')
        tt_findings_warning(source->findings, line, "a phrase ends in a full stop, and the prompt adds one; leave it out");
}

/* True if the pair is valid. */
static bool check_pair(const tt_source *source, yyjson_val *value) {
    const size_t line = tt_source_line(source, value);
    if (!yyjson_is_arr(value) || yyjson_arr_size(value) != 2) {
        tt_findings_error(source->findings, line,
                          "a pair must be two phrases, not %s%s; write [\"NEGATIVE PHRASE\", \"POSITIVE PHRASE\"]",
                          tt_json_kind(value), yyjson_is_arr(value) ? " of another length" : "");
        return false;
    }
    const char *negative = tt_source_phrase(source, yyjson_arr_get(value, TT_NEGATIVE), "the negative phrase");
    const char *positive = tt_source_phrase(source, yyjson_arr_get(value, TT_POSITIVE), "the positive phrase");
    if (!negative || !positive) return false;
    if (strcmp(negative, positive) == 0) {
        char quote[TT_QUOTE];
        tt_findings_error(source->findings, line, "both sides of the pair are \"%s\"; make them differ in the class",
                          tt_quote(negative, quote));
        return false;
    }
    advise_pair(source, value, negative, positive);
    return true;
}

/* Checks all pairs; returns the number of valid ones. */
static size_t check_pairs(const tt_source *source) {
    yyjson_val *data = tt_source_array(source, "data", data_remedy);
    if (!data) return 0;
    const size_t count = yyjson_arr_size(data);
    yyjson_val **phrases = tt_alloc(count, 2 * sizeof *phrases, NULL);
    if (!phrases) {
        source->findings->failed = true;
        return 0;
    }
    size_t good = 0, index, size;
    yyjson_val *pair;
    yyjson_arr_foreach(data, index, size, pair) {
        if (!check_pair(source, pair)) continue;
        phrases[2 * good] = yyjson_arr_get(pair, TT_NEGATIVE);
        phrases[2 * good + 1] = yyjson_arr_get(pair, TT_POSITIVE);
        good++;
    }
    tt_source_check_unique(source, phrases, 2 * good, "phrase");
    free(phrases);
    if (good && count < 4)
        tt_findings_warning(source->findings, tt_source_line(source, data),
                            "with so few pairs (%zu) none can be held out for evaluation; write at least 4, better 20",
                            count);
    return good;
}

/* Checks everything in an axis file; returns the number of valid pairs. */
static size_t check_source(const tt_source *source, const char *name) {
    static const char *const known[] = {"classes", "data", "group", "description"};
    if (yyjson_obj_get(source->root, "pre") && yyjson_obj_get(source->root, "post")) {
        tt_findings_error(source->findings, 1,
                          "this is a stems file, not an axis; an axis has the keys \"classes\" and \"data\"");
        return 0;
    }
    check_name(source, name);
    tt_source_check_keys(source, known, sizeof known / sizeof *known);
    check_classes(source);
    (void)tt_source_optional_text(source, "group");
    (void)tt_source_optional_text(source, "description");
    const size_t good = check_pairs(source);
    tt_findings_sort(source->findings);
    return good;
}

bool tt_axis_check(const char *name, const char *json, size_t length, size_t *pair_count, tt_findings *findings) {
    tt_source source;
    size_t good = 0;
    if (tt_source_open(&source, json, length, findings)) {
        good = check_source(&source, name);
        tt_source_close(&source);
    }
    if (pair_count) *pair_count = good;
    return !findings->error_count && !findings->failed;
}

/* The name of a file's axis: the file's name without folder and ".json". The caller frees it. */
static char *name_of_file(const char *file, tt_error *err) {
    const char *name = tt_path_name(file);
    const size_t length = strlen(name), suffix = strlen(".json");
    const bool has_suffix = length > suffix && strcmp(name + length - suffix, ".json") == 0;
    return tt_strndup(name, has_suffix ? length - suffix : length, err);
}

bool tt_axis_check_file(const char *file, size_t *pair_count, tt_findings *findings) {
    if (pair_count) *pair_count = 0;
    size_t length;
    tt_error why = {0};
    char *json = tt_plain_read(file, TT_SOURCE_LIMIT, NULL, &length, &why);
    char *name = json ? name_of_file(file, &why) : NULL;
    const bool ok = name && tt_axis_check(name, json, length, pair_count, findings);
    if (!name) tt_findings_error(findings, 0, "%s", why.message);
    free(name);
    free(json);
    return ok;
}

/* ==== Loading ==== */

static void hash_axis(tt_axis *axis) {
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_text(&hash, axis->name);
    tt_hash_text(&hash, axis->classes[TT_NEGATIVE]);
    tt_hash_text(&hash, axis->classes[TT_POSITIVE]);
    for (size_t i = 0; i < axis->pair_count; i++)
        for (int side = 0; side < 2; side++) tt_hash_text(&hash, axis->pairs[i].side[side]);
    tt_hash_end(&hash, axis->hash);
}

/* Copies the checked content from the document. */
static bool copy_axis(tt_axis *axis, const tt_source *source, const char *name, tt_error *err) {
    const char *group = tt_source_optional_text(source, "group");
    const char *description = tt_source_optional_text(source, "description");
    yyjson_val *classes = yyjson_obj_get(source->root, "classes"), *data = yyjson_obj_get(source->root, "data");
    axis->name = tt_strdup(name, err);
    axis->group = axis->name ? tt_strdup(group ? group : "", err) : NULL;
    axis->description = axis->group ? tt_strdup(description ? description : "", err) : NULL;
    for (int side = 0; side < 2; side++) {
        if (!axis->description) return false;
        axis->classes[side] = tt_strdup(yyjson_get_str(yyjson_arr_get(classes, side)), err);
        if (!axis->classes[side]) return false;
    }
    axis->pairs = tt_alloc(yyjson_arr_size(data), sizeof *axis->pairs, err);
    if (!axis->pairs) return false;
    size_t index, size;
    yyjson_val *pair;
    yyjson_arr_foreach(data, index, size, pair) {
        axis->pair_count = index + 1;
        for (int side = 0; side < 2; side++) {
            axis->pairs[index].side[side] = tt_strdup(yyjson_get_str(yyjson_arr_get(pair, side)), err);
            if (!axis->pairs[index].side[side]) return false;
        }
    }
    hash_axis(axis);
    return true;
}

bool tt_axis_parse(tt_axis *axis, const char *name, const char *file, const char *json, size_t length, tt_error *err) {
    *axis = (tt_axis){0};
    tt_findings findings = {0};
    tt_source source;
    bool ok = false;
    if (tt_source_open(&source, json, length, &findings)) {
        check_source(&source, name);
        ok = tt_findings_ok(&findings, file, err) && copy_axis(axis, &source, name, err);
        tt_source_close(&source);
    } else {
        tt_findings_ok(&findings, file, err);
    }
    tt_findings_free(&findings);
    if (!ok) tt_axis_free(axis);
    return ok;
}

static bool load_file(tt_axis *axis, const char *file, tt_error *err) {
    size_t length;
    char *json = tt_plain_read(file, TT_SOURCE_LIMIT, NULL, &length, err);
    char *name = json ? name_of_file(file, err) : NULL;
    const bool ok = name && tt_axis_parse(axis, name, file, json, length, err);
    free(name);
    free(json);
    return ok;
}

static bool fail_unknown(const char *name, tt_error *err) {
    const char *names[32];
    size_t count = 0;
    while (count < tt_axis_builtin_count() && count < sizeof names / sizeof *names) {
        names[count] = tt_axis_builtin_name(count);
        count++;
    }
    /* "optimism" is many edits away from "optimism_vs_nihilism", but may be all that the user remembers. */
    const char *near = tt_nearest(name, names, count);
    for (size_t i = 0; !near && strlen(name) >= 3 && i < count; i++)
        if (strstr(names[i], name)) near = names[i];
    char quote[TT_QUOTE];
    tt_quote(name, quote);
    if (near)
        return tt_fail(err, TT_ERROR_INPUT, "there is no axis \"%s\"; did you mean \"%s\"? `trimtab axes` lists them", quote,
                       near);
    return tt_fail(err, TT_ERROR_INPUT,
                   "there is no axis \"%s\"; `trimtab axes` lists them, and an axis file is given with its .json", quote);
}

bool tt_axis_load(tt_axis *axis, const char *name_or_file, tt_error *err) {
    *axis = (tt_axis){0};
    const size_t length = strlen(name_or_file);
    if (strchr(name_or_file, '/') || (length > 5 && strcmp(name_or_file + length - 5, ".json") == 0))
        return load_file(axis, name_or_file, err);
    for (size_t i = 0; i < tt_builtin_axis_count(); i++) {
        const tt_builtin *builtin = tt_builtin_axis(i);
        if (strcmp(builtin->name, name_or_file) == 0)
            return tt_axis_parse(axis, builtin->name, builtin->file, builtin->bytes, builtin->length, err);
    }
    return fail_unknown(name_or_file, err);
}

size_t tt_axis_builtin_count(void) { return tt_builtin_axis_count(); }
const char *tt_axis_builtin_name(size_t index) { return tt_builtin_axis(index)->name; }
