/* mixes.c: see mixes.h */
#include "server/mixes.h"
#include "apply/strength.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/axes.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 64, TERMS_MOST = 64, PRESETS_MOST = 1000, NAMES_SUGGESTED = 768 };

static const double value_most = 100; /* far beyond where any model still writes words */

typedef struct kept_mix {
    char *text;
    tt_shared_steering *steering;
    uint64_t last_used;
} kept_mix;

typedef struct preset {
    char *name, *text; /* the text in its usual form */
} preset;

struct tt_mixes {
    const tt_model *model;
    char *model_name;
    tt_offer offer; /* does not change, nor does */
    float *lengths; /* of the model's hidden state; NULL where no mix needs to be judged by them */
    tt_mix base;    /* what every mix has in it, beside what its text says: the operator's own files */
    preset *presets;
    size_t preset_count, preset_capacity; /* do not change once the server runs */

    pthread_mutex_t mutex;
    char *standard; /* the default mix in its usual form */
    kept_mix kept[KEPT];
    uint64_t uses;
};

/* ==== Opening ==== */

/* What the operator puts into every mix must be sound when the server starts; what there is to warn of is said once. */
static bool check_base(tt_mixes *mixes, tt_model *model, tt_error *err) {
    bool needed = mixes->base.count > 0;
    for (size_t i = 0; i < mixes->offer.count; i++) needed = needed || mixes->offer.axes[i].axis->plain;
    if (needed && !(mixes->lengths = tt_strength_measure(model, err))) return false;
    if (!mixes->base.count) return true;
    tt_blend blend = {0};
    const tt_mix_options options = {.target = &mixes->offer.target};
    const bool ok = tt_mix_blend(&blend, &mixes->base, &options, err) &&
                    tt_strength_judge(&blend, mixes->lengths, false, err) &&
                    tt_notes_add_all(&mixes->offer.catalogue.notes, &blend.warnings, err);
    tt_blend_free(&blend);
    return ok;
}

tt_mixes *tt_mixes_open(tt_model *model, const char *model_name, const char *folder, const tt_mix *base, tt_error *err) {
    tt_mixes *mixes = tt_alloc(1, sizeof *mixes, err);
    if (!mixes) return NULL;
    pthread_mutex_init(&mixes->mutex, NULL);
    mixes->model = model;
    mixes->model_name = tt_strdup(model_name, err);
    mixes->standard = tt_strdup("", err);
    if (base) mixes->base = (tt_mix){.first_layer = base->first_layer, .last_layer = base->last_layer};
    if (mixes->model_name && mixes->standard && (!base || tt_mix_add_mix(&mixes->base, base, err)) &&
        tt_offer_open(&mixes->offer, model, folder, err) && check_base(mixes, model, err))
        return mixes;
    tt_mixes_close(mixes);
    return NULL;
}

void tt_mixes_close(tt_mixes *mixes) {
    if (!mixes) return;
    for (size_t i = 0; i < KEPT; i++) {
        free(mixes->kept[i].text);
        tt_shared_steering_release(mixes->kept[i].steering);
    }
    for (size_t i = 0; i < mixes->preset_count; i++) {
        free(mixes->presets[i].name);
        free(mixes->presets[i].text);
    }
    free(mixes->presets);
    free(mixes->standard);
    free(mixes->model_name);
    tt_offer_free(&mixes->offer);
    tt_mix_free(&mixes->base);
    free(mixes->lengths);
    pthread_mutex_destroy(&mixes->mutex);
    free(mixes);
}

size_t tt_mixes_axis_count(const tt_mixes *mixes) { return mixes->offer.count; }
const tt_notes *tt_mixes_notes(const tt_mixes *mixes) { return &mixes->offer.catalogue.notes; }

/* ==== From text and JSON to a mix in its usual form ==== */

/* What a room below says may name files of the server's, which are no client's business. */
static bool refuse_mix(const tt_mixes *mixes, const tt_error *err, tt_refusal *refusal) {
    const char *folder = mixes->offer.catalogue.folder;
    bool named = folder && *folder && strstr(err->message, folder);
    for (size_t i = 0; i < mixes->base.count; i++) named = named || strstr(err->message, mixes->base.terms[i].file);
    if (named) return tt_refuse(refusal, 400, "steering", "this mix cannot be made of the server's vectors");
    return tt_refuse_error(refusal, "steering", err);
}

/* True when `name` is an axis or a class that is offered; else the nearest one is suggested. */
static bool is_offered(const tt_mixes *mixes, const char *name, tt_refusal *refusal) {
    const char *names[NAMES_SUGGESTED];
    size_t count = 0;
    for (size_t i = 0; i < mixes->offer.count; i++) {
        const tt_catalogue_axis *axis = mixes->offer.axes[i].axis;
        const char *const own[] = {axis->name, axis->classes[0], axis->classes[1]};
        if (tt_catalogue_meaning(axis, name)) return true;
        for (int k = 0; k < 3; k++)
            if (*own[k] && count < NAMES_SUGGESTED) names[count++] = own[k];
    }
    const char *near = tt_nearest(name, names, count);
    return tt_refuse(refusal, 400, "steering", "'%.64s' is no axis of this server's; %s%s%sGET /v1/axes lists them", name,
                     near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
}

static bool add_value(const tt_mixes *mixes, tt_mix *mix, const char *name, double value, tt_refusal *refusal) {
    tt_error err = {0};
    const tt_catalogue_axis *axis;
    int sign;
    if (!(fabs(value) <= value_most))
        return tt_refuse(refusal, 400, "steering", "the value of '%.64s' should be a number between -%g and %g", name,
                         value_most, value_most);
    if (mix->count >= TERMS_MOST) return tt_refuse(refusal, 400, "steering", "a mix may name at most %d axes", TERMS_MOST);
    if (mixes->offer.count == 0)
        return tt_refuse(refusal, 400, "steering", "'%.64s' is no axis of this server's: it has no vectors (--vectors)",
                         name);
    if (!is_offered(mixes, name, refusal)) return false;
    if (!tt_catalogue_find(&mixes->offer.catalogue, name, &mixes->offer.target, &axis, &sign, &err) ||
        !tt_mix_add_axis(mix, name, value, &err))
        return refuse_mix(mixes, &err, refusal);
    return true;
}

static bool mix_from_text(const tt_mixes *mixes, tt_mix *mix, const char *text, tt_refusal *refusal) {
    tt_mix parsed = {0};
    tt_error err = {0};
    bool ok = !*text || tt_mix_parse(&parsed, text, &err) || tt_refuse_error(refusal, "steering", &err);
    for (size_t i = 0; i < parsed.count && ok; i++)
        ok = add_value(mixes, mix, parsed.terms[i].name, parsed.terms[i].value, refusal);
    tt_mix_free(&parsed);
    return ok;
}

/* {"language": 0.5, ...}, or the same as text. */
static bool mix_from_json(const tt_mixes *mixes, tt_mix *mix, yyjson_val *steering, tt_refusal *refusal) {
    if (yyjson_is_str(steering)) return mix_from_text(mixes, mix, yyjson_get_str(steering), refusal);
    if (!yyjson_is_obj(steering))
        return tt_refuse(refusal, 400, "steering", "'steering' should be an object of axes and values, but is %s",
                         tt_json_kind(steering));
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach(steering, index, count, key, value) {
        const char *name = yyjson_get_str(key);
        if (strlen(name) != yyjson_get_len(key) || strpbrk(name, ",=@"))
            return tt_refuse(refusal, 400, "steering", "'steering' names '%.64s', which cannot be an axis' name", name);
        if (!yyjson_is_num(value))
            return tt_refuse(refusal, 400, "steering", "'steering' should have a number for '%.64s', but has %s", name,
                             tt_json_kind(value));
        if (!add_value(mixes, mix, name, yyjson_get_num(value), refusal)) return false;
    }
    return true;
}

/* The mix in its usual form. The caller frees; NULL when refused. */
static char *usual_form(const tt_mixes *mixes, const tt_mix *mix, tt_refusal *refusal) {
    tt_error err = {0};
    char *text = mix->count ? tt_mix_text(mix, &mixes->offer.catalogue, &mixes->offer.target, &err) : tt_strdup("", &err);
    if (!text) refuse_mix(mixes, &err, refusal);
    return text;
}

static char *usual_form_of_text(const tt_mixes *mixes, const char *text, tt_refusal *refusal) {
    tt_mix mix = {0};
    char *usual = mix_from_text(mixes, &mix, text, refusal) ? usual_form(mixes, &mix, refusal) : NULL;
    tt_mix_free(&mix);
    return usual;
}

static char *usual_form_of_json(const tt_mixes *mixes, yyjson_val *steering, tt_refusal *refusal) {
    tt_mix mix = {0};
    char *usual = mix_from_json(mixes, &mix, steering, refusal) ? usual_form(mixes, &mix, refusal) : NULL;
    tt_mix_free(&mix);
    return usual;
}

/* ==== From a mix to steering ==== */

static tt_shared_steering *make_steering(const tt_mixes *mixes, const char *text, tt_refusal *refusal) {
    tt_mix mix = {.first_layer = mixes->base.first_layer, .last_layer = mixes->base.last_layer};
    tt_blend blend = {0};
    tt_error err = {0};
    const tt_mix_options options = {.catalogue = &mixes->offer.catalogue, .target = &mixes->offer.target};
    tt_shared_steering *steering = NULL;
    if ((!*text || tt_mix_parse(&mix, text, &err)) && tt_mix_add_mix(&mix, &mixes->base, &err) &&
        tt_mix_blend(&blend, &mix, &options, &err) &&
        (!mixes->lengths || !tt_strength_matters(&blend) || tt_strength_judge(&blend, mixes->lengths, false, &err)))
        steering = tt_shared_steering_make(mixes->model, (const float *const *)blend.vector.rows, blend.vector.layer_count,
                                           blend.vector.width, &err);
    tt_blend_free(&blend);
    tt_mix_free(&mix);
    if (!steering) refuse_mix(mixes, &err, refusal);
    return steering;
}

/* The steering of a mix in its usual form: the same object as long as it is kept. A reference is the caller's. Vectors are
 * read with the mutex held, so that two clients who ask for a new mix at once get the same object. */
static bool find_steering(tt_mixes *mixes, const char *text, tt_shared_steering **steering, tt_refusal *refusal) {
    *steering = NULL;
    if (!*text && !mixes->base.count) return true;
    pthread_mutex_lock(&mixes->mutex);
    kept_mix *oldest = &mixes->kept[0], *found = NULL;
    for (size_t i = 0; i < KEPT && !found; i++) {
        if (mixes->kept[i].text && !strcmp(mixes->kept[i].text, text)) found = &mixes->kept[i];
        if (mixes->kept[i].last_used < oldest->last_used) oldest = &mixes->kept[i];
    }
    if (!found) {
        tt_shared_steering *made = make_steering(mixes, text, refusal);
        char *copy = made ? tt_strdup(text, &refusal->error) : NULL;
        if (made && !copy) refusal->status = 500;
        if (copy) {
            free(oldest->text);
            tt_shared_steering_release(oldest->steering);
            *oldest = (kept_mix){.text = copy, .steering = made};
            found = oldest;
        } else {
            tt_shared_steering_release(made);
        }
    }
    if (found) {
        found->last_used = ++mixes->uses;
        *steering = tt_shared_steering_hold(found->steering);
    }
    pthread_mutex_unlock(&mixes->mutex);
    return found != NULL;
}

/* ==== Requests ==== */

static const char *find_preset(const tt_mixes *mixes, const char *name) {
    for (size_t i = 0; i < mixes->preset_count; i++)
        if (!strcmp(mixes->presets[i].name, name)) return mixes->presets[i].text;
    return NULL;
}

static char *copy_standard(tt_mixes *mixes, tt_refusal *refusal) {
    pthread_mutex_lock(&mixes->mutex);
    char *copy = tt_strdup(mixes->standard, &refusal->error);
    pthread_mutex_unlock(&mixes->mutex);
    if (!copy) refusal->status = 500;
    return copy;
}

static char *choose_text(tt_mixes *mixes, const char *name, yyjson_val *steering, tt_refusal *refusal) {
    if (steering) return usual_form_of_json(mixes, steering, refusal);
    const char *at = name ? strchr(name, '@') : NULL, *saved = name ? find_preset(mixes, name) : NULL;
    if (at) {
        char *text = usual_form_of_text(mixes, at + 1, refusal);
        if (!text) strcpy(refusal->field, "model");
        return text;
    }
    if (saved) return usual_form_of_text(mixes, saved, refusal);
    return copy_standard(mixes, refusal);
}

bool tt_mixes_choose(tt_mixes *mixes, const char *name, yyjson_val *steering, char **text, tt_shared_steering **shared,
                     tt_refusal *refusal) {
    *text = choose_text(mixes, name, steering, refusal);
    if (!*text) return false;
    if (find_steering(mixes, *text, shared, refusal)) return true;
    free(*text);
    *text = NULL;
    return false;
}

/* ==== The default, and presets ==== */

/* Checked by making its steering, so that a default that cannot be used is refused now. `text` is taken. */
static bool set_standard(tt_mixes *mixes, char *text, tt_refusal *refusal) {
    tt_shared_steering *steering;
    if (!text) return false;
    if (!find_steering(mixes, text, &steering, refusal)) {
        free(text);
        return false;
    }
    tt_shared_steering_release(steering);
    pthread_mutex_lock(&mixes->mutex);
    free(mixes->standard);
    mixes->standard = text;
    pthread_mutex_unlock(&mixes->mutex);
    return true;
}

bool tt_mixes_set_default(tt_mixes *mixes, yyjson_val *steering, tt_refusal *refusal) {
    return set_standard(mixes, usual_form_of_json(mixes, steering, refusal), refusal);
}

bool tt_mixes_set_default_text(tt_mixes *mixes, const char *text, tt_error *err) {
    tt_refusal refusal = {0};
    if (set_standard(mixes, usual_form_of_text(mixes, text, &refusal), &refusal)) return true;
    return tt_fail(err, TT_ERROR_USAGE, "%s", refusal.error.message);
}

static bool add_preset(tt_mixes *mixes, const char *name, char *text, tt_refusal *refusal) {
    if (!text) return false;
    bool ok = *name && strlen(name) <= 100 && !strpbrk(name, "@/\"\\") && mixes->preset_count < PRESETS_MOST &&
              !find_preset(mixes, name);
    if (!ok) tt_refuse(refusal, 400, "", "its name should be new, of 1 to 100 bytes, and without @, / and quotes");
    ok = ok &&
         tt_grow(&mixes->presets, &mixes->preset_capacity, mixes->preset_count, sizeof *mixes->presets, &refusal->error);
    char *copy = ok ? tt_strdup(name, &refusal->error) : NULL;
    if (!copy) {
        free(text);
        return false;
    }
    mixes->presets[mixes->preset_count++] = (preset){copy, text};
    return true;
}

bool tt_mixes_add_preset(tt_mixes *mixes, const char *name, const char *text, tt_error *err) {
    tt_refusal refusal = {0};
    if (add_preset(mixes, name, usual_form_of_text(mixes, text, &refusal), &refusal)) return true;
    return tt_fail(err, TT_ERROR_USAGE, "preset '%s': %s", name, refusal.error.message);
}

bool tt_mixes_read_presets(tt_mixes *mixes, const char *path, tt_error *err) {
    size_t length, index, count;
    char *bytes = tt_file_read(path, 1 << 20, &length, err);
    yyjson_doc *doc = bytes ? tt_json_parse(path, bytes, length, err) : NULL;
    free(bytes);
    if (!doc) return false;
    yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
    tt_refusal refusal = {0};
    bool ok = yyjson_is_obj(root) ||
              tt_fail(err, TT_ERROR_INPUT, "'%s' should be an object of presets: {\"NAME\": {\"AXIS\": VALUE}}", path);
    yyjson_obj_foreach(root, index, count, key, value) {
        if (!ok) break;
        ok = add_preset(mixes, yyjson_get_str(key), usual_form_of_json(mixes, value, &refusal), &refusal) ||
             tt_fail(err, TT_ERROR_INPUT, "'%s', preset '%s': %s", path, yyjson_get_str(key), refusal.error.message);
    }
    yyjson_doc_free(doc);
    return ok;
}

/* ==== What there is ==== */

void tt_mixes_describe_axes(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *object) {
    tt_offer_describe(&mixes->offer, doc, object);
}

void tt_mixes_describe_default(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *object) {
    tt_refusal refusal = {0};
    char *text = copy_standard(mixes, &refusal);
    tt_mix mix = {0};
    yyjson_mut_obj_add_strcpy(doc, object, "mix", text ? text : "");
    yyjson_mut_val *steering = yyjson_mut_obj_add_obj(doc, object, "steering");
    if (!text || (*text && !tt_mix_parse(&mix, text, NULL))) tt_json_lacks(doc);
    for (size_t i = 0; i < mix.count; i++)
        yyjson_mut_obj_add(steering, yyjson_mut_strcpy(doc, mix.terms[i].name), yyjson_mut_real(doc, mix.terms[i].value));
    tt_mix_free(&mix);
    free(text);
}

static void add_model(const tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *list, const char *name, const char *mix,
                      int64_t created) {
    yyjson_mut_val *model = yyjson_mut_arr_add_obj(doc, list);
    yyjson_mut_obj_add_str(doc, model, "id", name);
    yyjson_mut_obj_add_str(doc, model, "object", "model");
    yyjson_mut_obj_add_int(doc, model, "created", created);
    yyjson_mut_obj_add_str(doc, model, "owned_by", "trimtab");
    if (!mix) return;
    yyjson_mut_obj_add_str(doc, model, "parent", mixes->model_name);
    yyjson_mut_obj_add_str(doc, model, "steering", mix);
}

void tt_mixes_describe_models(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *list, int64_t created) {
    add_model(mixes, doc, list, mixes->model_name, NULL, created);
    for (size_t i = 0; i < mixes->preset_count; i++)
        add_model(mixes, doc, list, mixes->presets[i].name, mixes->presets[i].text, created);
}
