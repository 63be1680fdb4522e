/* llama_options.c: see llama_options.h. What the programs take is from the parser of their options (common/arg.cpp). */
#include "apply/llama_options.h"
#include "base/number.h"

#include <inttypes.h>
#include <string.h>

static void add_word(tt_text *line, const char *word) {
    if (line->length) tt_text_add(line, " ");
    tt_text_add_shell_word(line, word);
}

/* One more item of a list with commas between. One that has a comma itself, or begins with a quote, stands in quotes. */
static void add_item(tt_text *list, const char *item) {
    if (list->length) tt_text_add(list, ",");
    if (*item != '"' && !strchr(item, ',')) {
        tt_text_add(list, item);
        return;
    }
    tt_text_add(list, "\"");
    for (; *item; item++) tt_text_add_bytes(list, *item == '"' ? "\"\"" : item, *item == '"' ? 2 : 1);
    tt_text_add(list, "\"");
}

/* ==== The current syntax ==== */

/* The list of one option: the files at scale 1, or the others, each with its scale behind a colon. */
static bool add_list(tt_text *line, const tt_blend *blend, bool scaled, tt_error *err) {
    tt_text list = {0}, item = {0};
    char number[TT_NUMBER_TEXT];
    bool ok = true;
    for (size_t i = 0; ok && i < blend->part_count; i++) {
        const tt_mix_part *part = &blend->parts[i];
        const char *path = part->vector.path;
        if (part->scale == 0 || (part->scale != 1) != scaled) continue;
        if (scaled && strchr(path, ':')) {
            ok = tt_fail(
                err, TT_ERROR_INPUT,
                "'%s' has a colon in its name, which llama.cpp takes for the one before the scale: put the mix into one "
                "file, 'trimtab merge -o mix.gguf' with these same options, and use --control-vector mix.gguf",
                path);
            break;
        }
        tt_text_clear(&item);
        tt_text_add(&item, path);
        if (scaled) tt_text_addf(&item, ":%s", tt_number_text(part->scale, number));
        ok = tt_text_ok(&item, err);
        if (ok) add_item(&list, item.data);
    }
    if (ok && list.length) {
        add_word(line, scaled ? "--control-vector-scaled" : "--control-vector");
        add_word(line, list.data);
    }
    ok = ok && tt_text_ok(&list, err);
    tt_text_free(&list);
    tt_text_free(&item);
    return ok;
}

/* ==== The one before ==== */

static void add_each(tt_text *line, const tt_blend *blend) {
    char number[TT_NUMBER_TEXT];
    for (size_t i = 0; i < blend->part_count; i++) {
        const tt_mix_part *part = &blend->parts[i];
        if (part->scale == 0) continue;
        add_word(line, part->scale == 1 ? "--control-vector" : "--control-vector-scaled");
        add_word(line, part->vector.path);
        if (part->scale != 1) add_word(line, tt_number_text(part->scale, number));
    }
}

bool tt_llama_options(tt_text *line, const tt_blend *blend, const tt_mix *mix, tt_llama_syntax syntax, tt_error *err) {
    const size_t before = line->length;
    if (syntax == TT_LLAMA_LEGACY)
        add_each(line, blend);
    else if (!add_list(line, blend, false, err) || !add_list(line, blend, true, err))
        return false;
    if (line->length > before && (mix->first_layer || mix->last_layer))
        tt_text_addf(line, " --control-vector-layer-range %" PRIu32 " %" PRIu32, mix->first_layer, mix->last_layer);
    return tt_text_ok(line, err);
}
