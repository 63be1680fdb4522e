/* steer.c: the public API's mix: from "language=0.5" and a folder to what the generator adds. See include/trimtab.h. */
#include "api/handle.h"
#include "apply/folder.h"
#include "apply/steering.h"
#include "apply/target.h"
#include "vectors/mix.h"

static void add_notes(tt_text *text, const tt_notes *notes) {
    for (size_t i = 0; i < notes->count; i++) tt_text_addf(text, "%s%s", text->length ? "\n" : "", notes->items[i]);
}

/* `warnings` is empty, and takes what there is to warn of. */
static bool apply(trimtab *t, const tt_mix *mix, const tt_mix_options *options, tt_text *warnings, tt_error *err) {
    tt_blend blend = {0};
    if (!tt_mix_blend(&blend, mix, options, err)) return false;
    add_notes(warnings, &options->catalogue->notes);
    add_notes(warnings, &blend.warnings);
    tt_steering *steering = tt_text_ok(warnings, err) ? tt_steering_of_vector(t->model, &blend.vector, err) : NULL;
    const bool ok = steering && tt_generator_steer(t->generator, steering, err);
    tt_steering_release(steering);
    tt_blend_free(&blend);
    return ok;
}

static bool steer_mix(trimtab *t, const char *folder, const char *text, bool force, tt_text *warnings, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_steer needs the folder that holds the vectors");
    const tt_vector_target target = tt_target_of_model(t->model);
    tt_catalogue catalogue = {0};
    tt_mix mix = {0};
    const tt_mix_options options = {&catalogue, &target, force};
    const bool ok =
        tt_mix_parse(&mix, text, err) && tt_folder_open(&catalogue, folder, err) && apply(t, &mix, &options, warnings, err);
    tt_mix_free(&mix);
    tt_catalogue_free(&catalogue);
    return ok;
}

static bool steer(trimtab *t, const char *folder, const char *mix, bool force, tt_error *err) {
    if (!tt_api_begin(t, "trimtab_steer", err) || !tt_api_need_generator(t, err)) return false;
    tt_text warnings = {0};
    const bool clear = !mix || !*mix;
    if (clear ? !tt_generator_steer(t->generator, NULL, err) : !steer_mix(t, folder, mix, force, &warnings, err)) {
        tt_text_free(&warnings);
        return false;
    }
    tt_text_free(&t->warnings);
    t->warnings = warnings;
    return true;
}

trimtab_status trimtab_steer(trimtab *t, const char *folder, const char *mix, int force, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(steer(t, folder, mix, force != 0, &err), &err, error);
}

const char *trimtab_warnings(const trimtab *t) { return t && t->warnings.data ? t->warnings.data : ""; }
