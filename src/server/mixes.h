/* mixes.h: the control vectors that a server has to offer, and the mixes that clients ask for.
 *
 * Vectors come from one folder, by the axis' name; clients name axes and presets, never files. What a client names is
 * checked against the axes there are and becomes a recipe once, without a look at any file. A recipe becomes steering in the
 * errands' thread (dispatch.c), which reads the vectors; the last few are kept, so that equal mixes are the same steering
 * and conversations can share what was computed. Any thread. */
#pragma once

#include "apply/mix.h"
#include "base/notes.h"
#include "model/chat.h"
#include "model/model.h"
#include "model/steering.h"
#include "server/refusal.h"

#include <stdatomic.h>
#include <yyjson.h>

typedef struct tt_mixes tt_mixes;

/* A mix that has been checked, shared by all who ask for it. */
typedef struct tt_recipe {
    atomic_uint references;
    tt_mix mix; /* axes by their own names */
    char *text; /* the same in its canonical form, "language=0.5,optimism_vs_nihilism=-0.3"; "" for none */
} tt_recipe;    /* does not change */

tt_recipe *tt_recipe_hold(tt_recipe *recipe);
void tt_recipe_release(tt_recipe *recipe); /* harmless on NULL */

/* Reads the vectors of `folder` (NULL: none at all) that fit `model`, which must outlive it. `base` (may be NULL) is what
 * every mix has in it, whatever a client asks for; it is copied. `chat` (may be NULL) is the layout of conversations, for a
 * note on vectors of another one; it is looked at once. For the thread that opened the model. */
tt_mixes *tt_mixes_open(tt_model *model, const char *model_name, const tt_chat *chat, const char *folder, const tt_mix *base,
                        tt_error *err);
void tt_mixes_close(tt_mixes *mixes); /* harmless on NULL */

/* The mix of a request: `steering` (an object of axes and values, or text; NULL: not given), else what follows '@' in
 * `name`, or the preset that it names, else the default. The reference is the caller's; NULL when refused. */
tt_recipe *tt_mixes_choose(tt_mixes *mixes, const char *name, yyjson_val *steering, tt_refusal *refusal);

/* The steering of a recipe where it is at hand: true, and `*steering` is a reference of the caller's, or NULL for none. */
bool tt_mixes_at_hand(tt_mixes *mixes, const tt_recipe *recipe, tt_steering **steering);

/* The same, made where it is not at hand, which reads files. One thread at a time. */
bool tt_mixes_make(tt_mixes *mixes, const tt_recipe *recipe, tt_steering **steering, tt_refusal *refusal);

/* Sets the default mix; a recipe whose steering has been made, so that it can be used. */
void tt_mixes_set_default(tt_mixes *mixes, tt_recipe *recipe);

/* The same from text ("" for none), before the server runs. */
bool tt_mixes_set_default_text(tt_mixes *mixes, const char *text, tt_error *err);

/* Adds the preset NAME, or reads a file of them: {"NAME": {"AXIS": VALUE, ...}, ...}. */
bool tt_mixes_add_preset(tt_mixes *mixes, const char *name, const char *text, tt_error *err);
bool tt_mixes_read_presets(tt_mixes *mixes, const char *path, tt_error *err);

/* For GET /v1/axes and /v1/steering: adds to `object` of `doc`. */
void tt_mixes_describe_axes(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *object);
void tt_mixes_describe_default(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *object);

/* The names that clients may choose as models: number 0 is the model's own, presets follow. NULL beyond the last;
 * `*mix` is the preset's in its canonical form, NULL for the model itself. */
const char *tt_mixes_model(const tt_mixes *mixes, size_t number, const char **mix);

/* How many axes there are. */
size_t tt_mixes_axis_count(const tt_mixes *mixes);

/* What is to be said of the folder's files. */
const tt_notes *tt_mixes_notes(const tt_mixes *mixes);
