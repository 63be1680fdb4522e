/* mixer.c: see mixer.h */
#include "apply/mixer.h"
#include "apply/folder.h"
#include "apply/layout.h"
#include "apply/strength.h"
#include "base/memory.h"

#include <stdlib.h>

struct tt_mixer {
    tt_mixer_options options;
    tt_catalogue catalogue; /* opened when an axis is first asked for */
    bool has_catalogue;
    tt_mix wanted;
    tt_mix mix;     /* in use */
    tt_blend blend; /* what the mix comes to */
    char *text;
    tt_notes warnings;
    float *lengths; /* of the model's hidden state, measured when first needed; or NULL */
    tt_chat_digest layout;
    bool has_layout; /* taken when first needed */
};

static bool open_catalogue(tt_mixer *mixer, tt_error *err) {
    if (mixer->has_catalogue) return true;
    if (!mixer->options.folder)
        return tt_fail(err, TT_ERROR_USAGE, "an axis is found by its name in a folder of control vectors: none was named");
    return mixer->has_catalogue = tt_folder_open(&mixer->catalogue, mixer->options.folder, err);
}

static bool has_axis(const tt_mix *mix) {
    for (size_t i = 0; i < mix->count; i++)
        if (mix->terms[i].name) return true;
    return false;
}

/* What a mix comes to, before it is in use. */
typedef struct prepared {
    tt_blend blend;
    char *text;
    tt_notes warnings;
} prepared;

static void prepared_free(prepared *next) {
    tt_blend_free(&next->blend);
    tt_notes_free(&next->warnings);
    free(next->text);
}

static bool judge(tt_mixer *mixer, tt_blend *blend, tt_error *err) {
    if (!mixer->options.model || !tt_strength_matters(blend)) return true;
    if (!mixer->lengths && !(mixer->lengths = tt_strength_measure(mixer->options.model, err))) return false;
    return tt_strength_judge(blend, mixer->lengths, mixer->options.force, err);
}

/* Warns of vectors that were trained on conversations in another layout: of each axis or file once. */
static bool warn_of_layout(tt_mixer *mixer, prepared *next, tt_error *err) {
    const tt_chat *chat = mixer->options.chat;
    if (!chat || !next->blend.part_count) return true;
    if (!mixer->has_layout && !(mixer->has_layout = tt_chat_digest_of(chat, &mixer->layout, err))) return false;
    for (size_t i = 0; i < next->blend.part_count; i++)
        if (!tt_layout_warn(&next->blend.parts[i].vector, &mixer->layout, &next->warnings, err)) return false;
    return true;
}

static bool prepare(prepared *next, tt_mixer *mixer, const tt_mix *mix, tt_error *err) {
    const bool by_name = has_axis(mix);
    if (by_name && !open_catalogue(mixer, err)) return false;
    const tt_catalogue *catalogue = mixer->has_catalogue ? &mixer->catalogue : NULL;
    const tt_mix_options options = {catalogue, mixer->options.target, mixer->options.force};
    if (!tt_mix_blend(&next->blend, mix, &options, err) || !judge(mixer, &next->blend, err)) return false;
    next->text = mix->count ? tt_mix_text(mix, catalogue, mixer->options.target, err) : tt_strdup("", err);
    return next->text && (!by_name || tt_notes_add_all(&next->warnings, &catalogue->notes, err)) &&
           tt_notes_add_all(&next->warnings, &next->blend.warnings, err) && warn_of_layout(mixer, next, err);
}

/* `mix` is taken over and emptied, also where that fails. */
static bool use(tt_mixer *mixer, tt_mix *mix, tt_error *err) {
    prepared next = {0};
    const bool ok = prepare(&next, mixer, mix, err);
    if (ok) {
        prepared before = {mixer->blend, mixer->text, mixer->warnings};
        prepared_free(&before);
        tt_mix_free(&mixer->mix);
        mixer->mix = *mix;
        mixer->blend = next.blend;
        mixer->text = next.text;
        mixer->warnings = next.warnings;
        *mix = (tt_mix){0};
    } else {
        prepared_free(&next);
        tt_mix_free(mix);
    }
    return ok;
}

tt_mixer *tt_mixer_open(const tt_mixer_options *options, tt_error *err) {
    tt_mixer *mixer = tt_alloc(1, sizeof *mixer, err);
    if (!mixer) return NULL;
    mixer->options = *options;
    tt_mix none = {0};
    if (use(mixer, &none, err)) return mixer;
    tt_mixer_close(mixer);
    return NULL;
}

void tt_mixer_close(tt_mixer *mixer) {
    if (!mixer) return;
    tt_blend_free(&mixer->blend);
    tt_mix_free(&mixer->mix);
    tt_mix_free(&mixer->wanted);
    tt_catalogue_free(&mixer->catalogue);
    tt_notes_free(&mixer->warnings);
    free(mixer->text);
    free(mixer->lengths);
    free(mixer);
}

/* ==== Changes ==== */

static bool set_axes(const tt_mixer *mixer, tt_mix *mix, const tt_mix *changes, tt_error *err) {
    for (size_t i = 0; i < changes->count; i++) {
        const tt_mix_term *term = &changes->terms[i];
        if (!tt_mix_set_axis(mix, &mixer->catalogue, mixer->options.target, term->name, term->value, err)) return false;
    }
    return true;
}

static bool copy_mix(tt_mix *copy, const tt_mix *mix, tt_error *err) {
    *copy = (tt_mix){.first_layer = mix->first_layer, .last_layer = mix->last_layer};
    return tt_mix_add_mix(copy, mix, err);
}

tt_mix *tt_mixer_wanted(tt_mixer *mixer) { return &mixer->wanted; }

bool tt_mixer_want(tt_mixer *mixer, const char *text, tt_error *err) {
    tt_mix changes = {0}, next = {0};
    const bool ok = tt_mix_parse(&changes, text, err) && open_catalogue(mixer, err) &&
                    tt_mix_resolve(&changes, &mixer->catalogue, mixer->options.target, err) &&
                    copy_mix(&next, &mixer->wanted, err) && set_axes(mixer, &next, &changes, err);
    tt_mix_free(&changes);
    tt_mix_free(ok ? &mixer->wanted : &next);
    if (ok) mixer->wanted = next;
    return ok;
}

bool tt_mixer_reset(tt_mixer *mixer, tt_error *err) {
    tt_mix_free(&mixer->wanted);
    return copy_mix(&mixer->wanted, &mixer->mix, err);
}

bool tt_mixer_settle(tt_mixer *mixer, tt_error *err) {
    tt_mix mix;
    if (copy_mix(&mix, &mixer->wanted, err) && use(mixer, &mix, err)) return true;
    tt_mix_free(&mix);
    tt_mixer_reset(mixer, NULL);
    return false;
}

/* ==== What is in use ==== */

const char *tt_mixer_text(const tt_mixer *mixer) { return mixer->text; }
const tt_mix *tt_mixer_mix(const tt_mixer *mixer) { return &mixer->mix; }
const tt_blend *tt_mixer_blend(const tt_mixer *mixer) { return &mixer->blend; }
const tt_notes *tt_mixer_warnings(const tt_mixer *mixer) { return &mixer->warnings; }
