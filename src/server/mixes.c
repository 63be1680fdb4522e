/* mixes.c: see mixes.h */
#include "server/mixes.h"
#include "apply/steering.h"
#include "apply/strength.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/plain.h"
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
    tt_steering *steering;
    uint64_t last_used;
} kept_mix;

typedef struct preset {
    char *name;
    tt_recipe *recipe;
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
    tt_recipe *standard; /* the default */
    kept_mix kept[KEPT];
    uint64_t uses;
};

/* ==== Recipes ==== */

tt_recipe *tt_recipe_hold(tt_recipe *recipe) {
    atomic_fetch_add(&recipe->references, 1);
    return recipe;
}

void tt_recipe_release(tt_recipe *recipe) {
    if (!recipe || atomic_fetch_sub(&recipe->references, 1) != 1) return;
    tt_mix_free(&recipe->mix);
    free(recipe->text);
    free(recipe);
}

/* `text`, in its canonical form, is taken. */
static tt_recipe *make_recipe(char *text, tt_error *err) {
    tt_recipe *recipe = text ? tt_alloc(1, sizeof *recipe, err) : NULL;
    if (!recipe) {
        free(text);
        return NULL;
    }
    atomic_init(&recipe->references, 1);
    recipe->text = text;
    if (!*text || tt_mix_parse(&recipe->mix, text, err)) return recipe;
    tt_recipe_release(recipe);
    return NULL;
}

static tt_recipe *no_mix(tt_error *err) { return make_recipe(tt_strdup("", err), err); }

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

tt_mixes *tt_mixes_open(tt_model *model, const char *model_name, const tt_chat *chat, const char *folder, const tt_mix *base,
                        tt_error *err) {
    tt_mixes *mixes = tt_alloc(1, sizeof *mixes, err);
    if (!mixes) return NULL;
    pthread_mutex_init(&mixes->mutex, NULL);
    mixes->model = model;
    mixes->model_name = tt_strdup(model_name, err);
    mixes->standard = no_mix(err);
    if (base) mixes->base = (tt_mix){.first_layer = base->first_layer, .last_layer = base->last_layer};
    if (mixes->model_name && mixes->standard && (!base || tt_mix_add_mix(&mixes->base, base, err)) &&
        tt_offer_open(&mixes->offer, model, chat, folder, err) && check_base(mixes, model, err))
        return mixes;
    tt_mixes_close(mixes);
    return NULL;
}

void tt_mixes_close(tt_mixes *mixes) {
    if (!mixes) return;
    for (size_t i = 0; i < KEPT; i++) {
        free(mixes->kept[i].text);
        tt_steering_release(mixes->kept[i].steering);
    }
    for (size_t i = 0; i < mixes->preset_count; i++) {
        free(mixes->presets[i].name);
        tt_recipe_release(mixes->presets[i].recipe);
    }
    free(mixes->presets);
    tt_recipe_release(mixes->standard);
    free(mixes->model_name);
    tt_offer_free(&mixes->offer);
    tt_mix_free(&mixes->base);
    free(mixes->lengths);
    pthread_mutex_destroy(&mixes->mutex);
    free(mixes);
}

size_t tt_mixes_axis_count(const tt_mixes *mixes) { return mixes->offer.count; }
const tt_notes *tt_mixes_notes(const tt_mixes *mixes) { return &mixes->offer.catalogue.notes; }

/* ==== From text and JSON to a recipe ==== */

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
    if (!tt_catalogue_find(&mixes->offer.catalogue, name, &mixes->offer.target, &axis, &sign, &err))
        return err.kind == TT_ERROR_INPUT /* which would name the folder */
                   ? tt_refuse(refusal, 400, "steering", "'%.64s' is an axis of several models' vectors here", name)
                   : tt_refuse_error(refusal, "steering", &err);
    return tt_mix_add_axis(mix, name, value, &err) || tt_refuse_error(refusal, "steering", &err);
}

static bool mix_from_text(const tt_mixes *mixes, tt_mix *mix, const char *text, tt_refusal *refusal) {
    tt_mix parsed = {0};
    tt_error err = {0};
    bool ok = !*text ||
              (tt_mix_parse(&parsed, text, &err) &&
               tt_mix_resolve(&parsed, &mixes->offer.catalogue, &mixes->offer.target, &err)) ||
              tt_refuse_error(refusal, "steering", &err);
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

/* The mix with its axes' own names. NULL when refused. */
static tt_recipe *recipe_of(const tt_mixes *mixes, const tt_mix *mix, tt_refusal *refusal) {
    tt_error err = {0};
    char *text = mix->count ? tt_mix_text(mix, &mixes->offer.catalogue, &mixes->offer.target, &err) : tt_strdup("", &err);
    tt_recipe *recipe = make_recipe(text, &err);
    if (!recipe) tt_refuse_error(refusal, "steering", &err);
    return recipe;
}

static tt_recipe *recipe_of_text(const tt_mixes *mixes, const char *text, tt_refusal *refusal) {
    tt_mix mix = {0};
    tt_recipe *recipe = mix_from_text(mixes, &mix, text, refusal) ? recipe_of(mixes, &mix, refusal) : NULL;
    tt_mix_free(&mix);
    return recipe;
}

static tt_recipe *recipe_of_json(const tt_mixes *mixes, yyjson_val *steering, tt_refusal *refusal) {
    tt_mix mix = {0};
    tt_recipe *recipe = mix_from_json(mixes, &mix, steering, refusal) ? recipe_of(mixes, &mix, refusal) : NULL;
    tt_mix_free(&mix);
    return recipe;
}

/* ==== From a recipe to steering ==== */

/* Of the files that a mix is made of clients learn nothing: only what is wrong with the mix itself is passed on. */
static bool refuse_blend(const tt_error *err, tt_refusal *refusal) {
    if (err->kind == TT_ERROR_USAGE || err->kind == TT_ERROR_MEMORY) return tt_refuse_error(refusal, "steering", err);
    return tt_refuse(
        refusal, 400, "steering",
        "the server cannot read the vectors of this mix, or they do not go together: who runs it should look through its "
        "folder of vectors (trimtab inspect), and start it anew");
}

/* The mix, and the operator's own files with it. */
static tt_steering *blend(const tt_mixes *mixes, const tt_mix *asked, tt_refusal *refusal) {
    tt_mix mix = {.first_layer = mixes->base.first_layer, .last_layer = mixes->base.last_layer};
    tt_blend sum = {0};
    tt_error err = {0};
    const tt_mix_options options = {.catalogue = &mixes->offer.catalogue, .target = &mixes->offer.target};
    tt_steering *steering = NULL;
    if (tt_mix_add_mix(&mix, asked, &err) && tt_mix_add_mix(&mix, &mixes->base, &err) &&
        tt_mix_blend(&sum, &mix, &options, &err) &&
        (!mixes->lengths || !tt_strength_matters(&sum) || tt_strength_judge(&sum, mixes->lengths, false, &err)))
        steering = tt_steering_of_vector(mixes->model, &sum.vector, &err);
    tt_blend_free(&sum);
    tt_mix_free(&mix);
    if (!steering) refuse_blend(&err, refusal);
    return steering;
}

bool tt_mixes_at_hand(tt_mixes *mixes, const tt_recipe *recipe, tt_steering **steering) {
    *steering = NULL;
    if (!*recipe->text && !mixes->base.count) return true;
    pthread_mutex_lock(&mixes->mutex);
    for (size_t i = 0; i < KEPT && !*steering; i++) {
        kept_mix *kept = &mixes->kept[i];
        if (!kept->text || strcmp(kept->text, recipe->text) != 0) continue;
        kept->last_used = ++mixes->uses;
        *steering = tt_steering_hold(kept->steering);
    }
    pthread_mutex_unlock(&mixes->mutex);
    return *steering != NULL;
}

/* Keeps `made` in place of what was not used for longest. What it points to is taken. */
static void keep(tt_mixes *mixes, kept_mix made) {
    pthread_mutex_lock(&mixes->mutex);
    kept_mix *oldest = &mixes->kept[0];
    for (size_t i = 1; i < KEPT; i++)
        if (mixes->kept[i].last_used < oldest->last_used) oldest = &mixes->kept[i];
    const kept_mix before = *oldest;
    made.last_used = ++mixes->uses;
    *oldest = made;
    pthread_mutex_unlock(&mixes->mutex);
    free(before.text);
    tt_steering_release(before.steering);
}

bool tt_mixes_make(tt_mixes *mixes, const tt_recipe *recipe, tt_steering **steering, tt_refusal *refusal) {
    if (tt_mixes_at_hand(mixes, recipe, steering)) return true;
    tt_error err = {0};
    char *text = tt_strdup(recipe->text, &err);
    if (!text) return tt_refuse_error(refusal, "steering", &err);
    *steering = blend(mixes, &recipe->mix, refusal);
    if (*steering)
        keep(mixes, (kept_mix){.text = text, .steering = tt_steering_hold(*steering)});
    else
        free(text);
    return *steering != NULL;
}

/* ==== Requests ==== */

static tt_recipe *find_preset(const tt_mixes *mixes, const char *name) {
    for (size_t i = 0; i < mixes->preset_count; i++)
        if (!strcmp(mixes->presets[i].name, name)) return mixes->presets[i].recipe;
    return NULL;
}

static tt_recipe *hold_standard(tt_mixes *mixes) {
    pthread_mutex_lock(&mixes->mutex);
    tt_recipe *recipe = tt_recipe_hold(mixes->standard);
    pthread_mutex_unlock(&mixes->mutex);
    return recipe;
}

tt_recipe *tt_mixes_choose(tt_mixes *mixes, const char *name, yyjson_val *steering, tt_refusal *refusal) {
    if (steering) return recipe_of_json(mixes, steering, refusal);
    const char *at = name ? strchr(name, '@') : NULL;
    tt_recipe *saved = name ? find_preset(mixes, name) : NULL;
    if (at) {
        tt_recipe *recipe = recipe_of_text(mixes, at + 1, refusal);
        if (!recipe) strcpy(refusal->field, "model");
        return recipe;
    }
    return saved ? tt_recipe_hold(saved) : hold_standard(mixes);
}

/* ==== The default, and presets ==== */

void tt_mixes_set_default(tt_mixes *mixes, tt_recipe *recipe) {
    pthread_mutex_lock(&mixes->mutex);
    tt_recipe *before = mixes->standard;
    mixes->standard = tt_recipe_hold(recipe);
    pthread_mutex_unlock(&mixes->mutex);
    tt_recipe_release(before);
}

bool tt_mixes_set_default_text(tt_mixes *mixes, const char *text, tt_error *err) {
    tt_refusal refusal = {0};
    tt_steering *steering = NULL;
    tt_recipe *recipe = recipe_of_text(mixes, text, &refusal);
    const bool ok = recipe && tt_mixes_make(mixes, recipe, &steering, &refusal);
    if (ok) tt_mixes_set_default(mixes, recipe);
    tt_steering_release(steering);
    tt_recipe_release(recipe);
    return ok || tt_fail(err, TT_ERROR_USAGE, "%s", refusal.error.message);
}

/* `recipe` is taken. */
static bool add_preset(tt_mixes *mixes, const char *name, tt_recipe *recipe, tt_refusal *refusal) {
    if (!recipe) return false;
    bool ok = *name && strlen(name) <= 100 && !strpbrk(name, "@/\"\\") && mixes->preset_count < PRESETS_MOST &&
              !find_preset(mixes, name);
    if (!ok) tt_refuse(refusal, 400, "", "its name should be new, of 1 to 100 bytes, and without @, / and quotes");
    ok = ok &&
         tt_grow(&mixes->presets, &mixes->preset_capacity, mixes->preset_count, sizeof *mixes->presets, &refusal->error);
    char *copy = ok ? tt_strdup(name, &refusal->error) : NULL;
    if (copy)
        mixes->presets[mixes->preset_count++] = (preset){copy, recipe};
    else
        tt_recipe_release(recipe);
    return copy != NULL;
}

bool tt_mixes_add_preset(tt_mixes *mixes, const char *name, const char *text, tt_error *err) {
    tt_refusal refusal = {0};
    if (add_preset(mixes, name, recipe_of_text(mixes, text, &refusal), &refusal)) return true;
    return tt_fail(err, TT_ERROR_USAGE, "preset '%s': %s", name, refusal.error.message);
}

bool tt_mixes_read_presets(tt_mixes *mixes, const char *path, tt_error *err) {
    size_t length, index, count;
    char *bytes = tt_plain_read(path, 1 << 20, NULL, &length, err);
    yyjson_doc *doc = bytes ? tt_json_parse(path, bytes, length, err) : NULL;
    free(bytes);
    if (!doc) return false;
    yyjson_val *root = yyjson_doc_get_root(doc), *key, *value;
    tt_refusal refusal = {0};
    bool ok = yyjson_is_obj(root) ||
              tt_fail(err, TT_ERROR_INPUT, "'%s' should be an object of presets: {\"NAME\": {\"AXIS\": VALUE}}", path);
    yyjson_obj_foreach(root, index, count, key, value) {
        if (!ok) break;
        ok = add_preset(mixes, yyjson_get_str(key), recipe_of_json(mixes, value, &refusal), &refusal) ||
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
    tt_recipe *recipe = hold_standard(mixes);
    yyjson_mut_obj_add_strcpy(doc, object, "mix", recipe->text);
    yyjson_mut_val *steering = yyjson_mut_obj_add_obj(doc, object, "steering");
    for (size_t i = 0; i < recipe->mix.count; i++)
        yyjson_mut_obj_add(steering, yyjson_mut_strcpy(doc, recipe->mix.terms[i].name),
                           yyjson_mut_real(doc, recipe->mix.terms[i].value));
    tt_recipe_release(recipe);
}

const char *tt_mixes_model(const tt_mixes *mixes, size_t number, const char **mix) {
    const preset *found = number > 0 && number <= mixes->preset_count ? &mixes->presets[number - 1] : NULL;
    *mix = found ? found->recipe->text : NULL;
    return number == 0 ? mixes->model_name : found ? found->name : NULL;
}
