/* steer.c: the public API's mix: from "language=0.5" and a folder to what the generator adds. See include/trimtab.h. */
#include "api/handle.h"
#include "apply/mixer.h"
#include "apply/steering.h"
#include "apply/target.h"

/* `warnings` is empty, and takes what there is to warn of. */
static bool apply(trimtab *t, const tt_mixer *mixer, tt_text *warnings, tt_error *err) {
    const tt_notes *notes = tt_mixer_warnings(mixer);
    for (size_t i = 0; i < notes->count; i++) tt_text_addf(warnings, "%s%s", i ? "\n" : "", notes->items[i]);
    tt_steering *steering =
        tt_text_ok(warnings, err) ? tt_steering_of_vector(t->model, &tt_mixer_blend(mixer)->vector, err) : NULL;
    const bool ok = steering && tt_generator_steer(t->generator, steering, err);
    tt_steering_release(steering);
    return ok;
}

static bool steer_mix(trimtab *t, const char *folder, const char *text, bool force, tt_text *warnings, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_steer needs the folder that holds the vectors");
    const tt_vector_target target = tt_target_of_model(t->model);
    tt_mixer *mixer = tt_mixer_open(&(tt_mixer_options){folder, &target, force, t->model, t->chat}, err);
    const bool ok = mixer && tt_mixer_replace(mixer, text, err) && apply(t, mixer, warnings, err);
    tt_mixer_close(mixer);
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
