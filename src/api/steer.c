/* steer.c: the public API's mixes in use: applied to a model, written as a file or as llama.cpp's options. See
 * include/trimtab.h. */
#include "api/handle.h"
#include "api/mix.h"
#include "apply/llama_options.h"
#include "apply/steering.h"

#include <sys/stat.h>

/* ==== A model ==== */

static bool apply(trimtab *t, const trimtab_mix *mix, tt_error *err) {
    if (!mix) return tt_api_steer(t, NULL, err);
    tt_steering *steering = tt_steering_of_vector(t->model, mix->sum.vector, err);
    const bool ok = steering && tt_api_steer(t, steering, err);
    tt_steering_release(steering);
    return ok;
}

trimtab_status trimtab_apply(trimtab *t, const trimtab_mix *mix, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(tt_api_begin(t, "trimtab_apply", &err) && apply(t, mix, &err), &err, error);
}

/* Takes over an error of a function of the API's own. */
static bool pass(trimtab_status status, const trimtab_error *error, tt_error *err) {
    static_assert(TRIMTAB_USAGE - 0 == TT_ERROR_USAGE - 0 && TRIMTAB_INTERRUPTED - 0 == TT_ERROR_INTERRUPTED - 0);
    return !status || tt_fail(err, (tt_error_kind)status, "%s", error->message);
}

static bool apply_text(trimtab *t, trimtab_mix *mix, const char *text, tt_text *warnings, tt_error *err) {
    trimtab_error error;
    if (!pass(trimtab_mix_add(mix, text, &error), &error, err) || !pass(trimtab_mix_settle(mix, &error), &error, err))
        return false;
    for (size_t i = 0; i < mix->facts.warning_count; i++)
        tt_text_addf(warnings, "%s%s", i ? "\n" : "", mix->facts.warnings[i]);
    return tt_text_ok(warnings, err) && apply(t, mix, err);
}

static bool steer_mix(trimtab *t, const char *folder, const char *text, bool force, tt_text *warnings, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_steer needs the folder that holds the vectors");
    trimtab_mix_options options = trimtab_mix_defaults();
    options.folder = folder;
    options.model = t;
    options.force = force;
    options.conversation = t->chat != NULL;
    trimtab_error error;
    trimtab_mix *mix = trimtab_mix_open(&options, &error);
    const bool ok = mix ? apply_text(t, mix, text, warnings, err) : pass(error.status, &error, err);
    trimtab_mix_free(mix);
    return ok;
}

static bool steer(trimtab *t, const char *folder, const char *text, bool force, tt_error *err) {
    if (!tt_api_begin(t, "trimtab_steer", err)) return false;
    tt_text warnings = {0};
    const bool clear = !text || !*text;
    if (clear ? !tt_api_steer(t, NULL, err) : !steer_mix(t, folder, text, force, &warnings, err)) {
        tt_text_free(&warnings);
        return false;
    }
    tt_text_free(&t->warnings);
    t->warnings = warnings;
    return true;
}

trimtab_status trimtab_steer(trimtab *t, const char *folder, const char *text, int32_t force, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(steer(t, folder, text, force != 0, &err), &err, error);
}

const char *trimtab_warnings(const trimtab *t) { return t && t->warnings.data ? t->warnings.data : ""; }

/* ==== A file ==== */

/* A part that is written over would be lost. */
static bool check_output(const char *output, const tt_blend *blend, tt_error *err) {
    struct stat written;
    if (stat(output, &written)) return true;
    for (size_t i = 0; i < blend->part_count; i++)
        if (blend->parts[i].inode && blend->parts[i].device == written.st_dev && blend->parts[i].inode == written.st_ino)
            return tt_fail(err, TT_ERROR_USAGE, "'%s' is a part of the mix: give the merged vector another name", output);
    return true;
}

static bool merge(const trimtab_mix *mix, const char *path, tt_error *err) {
    if (!mix || !path || !*path)
        return tt_fail(err, TT_ERROR_USAGE, "trimtab_merge needs a mix, and the path of the vector to write");
    if (!mix->sum.facts.directions)
        return tt_fail(err, TT_ERROR_INPUT, "the mix has no direction in the layers chosen: there is nothing to write");
    return check_output(path, tt_mixer_blend(mix->mixer), err) && tt_vector_write(mix->sum.vector, path, err);
}

trimtab_status trimtab_merge(const trimtab_mix *mix, const char *path, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(merge(mix, path, &err), &err, error);
}

char *trimtab_llama_options(const trimtab_mix *mix, trimtab_syntax syntax, trimtab_error *error) {
    tt_error err = {0};
    tt_text line = {0};
    tt_text_add(&line, "");
    if (!mix) tt_fail(&err, TT_ERROR_USAGE, "trimtab_llama_options needs a mix");
    const bool ok = mix && tt_llama_options(&line, tt_mixer_blend(mix->mixer), tt_mixer_mix(mix->mixer),
                                            syntax == TRIMTAB_SYNTAX_LEGACY ? TT_LLAMA_LEGACY : TT_LLAMA_CURRENT, &err);
    char *text = ok ? tt_text_take(&line, &err) : NULL;
    tt_text_free(&line);
    tt_api_status(text != NULL, &err, error);
    return text;
}
