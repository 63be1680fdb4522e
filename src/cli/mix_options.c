/* mix_options.c: see mix_options.h */
#include "cli/mix_options.h"
#include "apply/folder.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"

#include <stdlib.h>

static const tt_option options[] = {
    {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME=VALUE", .repeatable = true,
     .help = "steer along an axis: towards its second class above 0, its first below, usually within -1 and 1; or along a "
             "class, by its name. Its de-bias vector comes along"},
    {"--vectors", .kind = TT_OPTION_FOLDER, .argument = "DIR", .preset = ".", .preset_text = "the present folder",
     .environment = "TRIMTAB_VECTORS", .help = "where the axes' control vectors are"},
    {"--control-vector", .kind = TT_OPTION_FILE, .argument = "FILE", .repeatable = true,
     .help = "a control vector as it is, as in llama.cpp; several with commas between them"},
    {"--control-vector-scaled", .kind = TT_OPTION_TEXT, .argument = "FILE", .second = "SCALE", .second_if_number = true,
     .repeatable = true, .help = "the same at a scale; also FILE:SCALE, several with commas between them"},
    {"--control-vector-layer-range", .kind = TT_OPTION_TEXT, .argument = "START", .second = "END",
     .help = "steer only these blocks, the first and the last included"},
    {"--force", .help = "steer even where that seems unwise, as long as the numbers fit"},
};

const tt_option_group tt_mix_group = {"Steering", options, sizeof options / sizeof *options};

struct tt_mix_given {
    const tt_arguments *arguments;
    tt_vector_target target; /* where `has_target` */
    bool has_target;
    tt_catalogue catalogue; /* opened when an axis is first asked for */
    bool has_catalogue;
    tt_mix mix;
    tt_blend blend; /* what the mix comes to */
    char *text;
    tt_text warnings;
};

/* ==== A mix and all that follows from it ==== */

static const tt_vector_target *target_of(const tt_mix_given *given) { return given->has_target ? &given->target : NULL; }

static bool open_catalogue(tt_mix_given *given, tt_error *err) {
    if (!given->has_catalogue)
        given->has_catalogue = tt_folder_open(&given->catalogue, tt_argument_text(given->arguments, "--vectors"), err);
    return given->has_catalogue;
}

static void add_notes(tt_text *text, const tt_notes *notes) {
    for (size_t i = 0; i < notes->count; i++) tt_text_addf(text, "warning: %s\n", notes->items[i]);
}

static bool has_axis(const tt_mix *mix) {
    for (size_t i = 0; i < mix->count; i++)
        if (mix->terms[i].name) return true;
    return false;
}

/* Makes `mix` the one in use, and takes it over; on failure it is freed, and the one before stays in use. */
static bool use_mix(tt_mix_given *given, tt_mix *mix, tt_error *err) {
    tt_blend blend = {0};
    char *text = NULL;
    bool ok = !has_axis(mix) || open_catalogue(given, err);
    const tt_catalogue *catalogue = given->has_catalogue ? &given->catalogue : NULL;
    const tt_mix_options mix_options = {catalogue, target_of(given), tt_argument_flag(given->arguments, "--force")};
    ok = ok && tt_mix_blend(&blend, mix, &mix_options, err);
    if (ok) text = mix->count ? tt_mix_text(mix, catalogue, target_of(given), err) : tt_strdup("", err);
    if (!text) {
        tt_blend_free(&blend);
        tt_mix_free(mix);
        return false;
    }
    tt_text_clear(&given->warnings);
    if (catalogue && has_axis(mix)) add_notes(&given->warnings, &given->catalogue.notes);
    add_notes(&given->warnings, &blend.warnings);
    tt_blend_free(&given->blend);
    tt_mix_free(&given->mix);
    free(given->text);
    given->blend = blend;
    given->mix = *mix;
    given->text = text;
    *mix = (tt_mix){0};
    return tt_text_ok(&given->warnings, err);
}

static bool copy_mix(tt_mix *copy, const tt_mix *mix, tt_error *err) {
    *copy = (tt_mix){.first_layer = mix->first_layer, .last_layer = mix->last_layer};
    for (size_t i = 0; i < mix->count; i++) {
        const tt_mix_term *term = &mix->terms[i];
        if (term->file ? tt_mix_add_file(copy, term->file, term->value, err)
                       : tt_mix_add_axis(copy, term->name, term->value, err))
            continue;
        tt_mix_free(copy);
        return false;
    }
    return true;
}

/* ==== From the command line ==== */

static bool read_axes(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--axis", i)); i++)
        if (!tt_mix_parse(mix, text, err)) return false;
    return true;
}

static bool read_files(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--control-vector", i)); i++)
        if (!tt_mix_parse_files(mix, text, false, err)) return false;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--control-vector-scaled", i)); i++) {
        const char *scale = tt_argument_second(arguments, "--control-vector-scaled", i);
        double value;
        if (scale && !tt_number_parse(scale, &value))
            return tt_fail(err, TT_ERROR_USAGE, "--control-vector-scaled takes a scale such as 0.5, not '%s'", scale);
        if (scale ? !tt_mix_add_file(mix, text, value, err) : !tt_mix_parse_files(mix, text, true, err)) return false;
    }
    return true;
}

static bool read_layers(tt_mix *mix, const tt_arguments *arguments, tt_error *err) {
    const char *name = "--control-vector-layer-range", *first = tt_argument_text(arguments, name);
    if (!first) return true;
    size_t last_one = 0;
    while (tt_argument_nth(arguments, name, last_one + 1)) last_one++;
    const char *last = tt_argument_second(arguments, name, last_one);
    int64_t numbers[2];
    if (!last || !tt_integer_parse(first, &numbers[0]) || !tt_integer_parse(last, &numbers[1]))
        return tt_fail(err, TT_ERROR_USAGE, "%s takes two numbers of blocks, such as 10 20", name);
    return tt_mix_set_layers(mix, numbers[0], numbers[1], err);
}

tt_mix_given *tt_mix_given_open(const tt_arguments *arguments, const tt_vector_target *target, tt_error *err) {
    tt_mix_given *given = tt_alloc(1, sizeof *given, err);
    if (!given) return NULL;
    given->arguments = arguments;
    given->has_target = target != NULL;
    if (target) given->target = *target;
    tt_mix mix = {0};
    if (read_axes(&mix, arguments, err) && read_files(&mix, arguments, err) && read_layers(&mix, arguments, err)) {
        if (use_mix(given, &mix, err)) return given;
    } else {
        tt_mix_free(&mix);
    }
    tt_mix_given_close(given);
    return NULL;
}

tt_mix_given *tt_mix_given_open_file(const tt_arguments *arguments, tt_target *target, tt_error *err) {
    *target = (tt_target){0};
    const char *path = tt_argument_text(arguments, "--model");
    if (path && !tt_target_open(target, path, err)) return NULL;
    return tt_mix_given_open(arguments, path ? &target->target : NULL, err);
}

bool tt_mix_asked(const tt_arguments *arguments) {
    return tt_argument_given(arguments, "--axis") || tt_argument_given(arguments, "--control-vector") ||
           tt_argument_given(arguments, "--control-vector-scaled");
}

void tt_mix_given_close(tt_mix_given *given) {
    if (!given) return;
    tt_blend_free(&given->blend);
    tt_mix_free(&given->mix);
    tt_catalogue_free(&given->catalogue);
    tt_text_free(&given->warnings);
    free(given->text);
    free(given);
}

/* ==== Changes ==== */

static bool set_axes(tt_mix_given *given, tt_mix *mix, const tt_mix *changes, tt_error *err) {
    for (size_t i = 0; i < changes->count; i++) {
        const tt_mix_term *term = &changes->terms[i];
        if (!tt_mix_set_axis(mix, &given->catalogue, target_of(given), term->name, term->value, err)) return false;
    }
    return true;
}

bool tt_mix_given_set(tt_mix_given *given, const char *text, tt_error *err) {
    tt_mix changes = {0}, mix = {0};
    if (!tt_mix_parse(&changes, text, err)) return false;
    bool ok = open_catalogue(given, err) && copy_mix(&mix, &given->mix, err);
    if (ok && !set_axes(given, &mix, &changes, err)) {
        tt_mix_free(&mix);
        ok = false;
    }
    tt_mix_free(&changes);
    return ok && use_mix(given, &mix, err);
}

bool tt_mix_given_replace(tt_mix_given *given, const char *text, tt_error *err) {
    tt_mix mix = {.first_layer = given->mix.first_layer, .last_layer = given->mix.last_layer};
    return tt_mix_parse(&mix, text, err) && use_mix(given, &mix, err);
}

bool tt_mix_given_clear(tt_mix_given *given, tt_error *err) {
    tt_mix mix = {.first_layer = given->mix.first_layer, .last_layer = given->mix.last_layer};
    return use_mix(given, &mix, err);
}

const char *tt_mix_given_text(const tt_mix_given *given) { return given->text; }

const char *tt_mix_given_warnings(const tt_mix_given *given) { return given->warnings.data ? given->warnings.data : ""; }

const tt_mix *tt_mix_given_mix(const tt_mix_given *given) { return &given->mix; }

const tt_blend *tt_mix_given_blend(const tt_mix_given *given) { return &given->blend; }
