/* mixes.h: the control vectors that a server has to offer, and the mixes that clients ask for.
 *
 * Vectors come from one folder, by the axis' name; clients name axes and presets, never files. A mix is checked against the
 * axes there are, brought into its usual form ("language=0.5,optimism_vs_nihilism=-0.3"), and made into steering once; the
 * last few are kept, so that equal mixes are the same steering and conversations can share what was computed. Any thread. */
#pragma once

#include "apply/mix.h"
#include "base/notes.h"
#include "model/model.h"
#include "model/shared_steering.h"
#include "server/refusal.h"

#include <yyjson.h>

typedef struct tt_mixes tt_mixes;

/* Reads the vectors of `folder` (NULL: none at all) that fit `model`, which must outlive it. `base` (may be NULL) is what
 * every mix has in it, whatever a client asks for; it is copied. For the
 * thread that opened the model. */
tt_mixes *tt_mixes_open(tt_model *model, const char *model_name, const char *folder, const tt_mix *base, tt_error *err);
void tt_mixes_close(tt_mixes *mixes); /* harmless on NULL */

/* The mix of a request: `steering` (an object of axes and values, or text; NULL: not given), else what follows '@' in
 * `name`, or the preset that it names, else the default. `*text` is the mix in its usual form, which the caller frees;
 * `*shared` a reference of the caller's, or NULL for no steering. */
bool tt_mixes_choose(tt_mixes *mixes, const char *name, yyjson_val *steering, char **text, tt_shared_steering **shared,
                     tt_refusal *refusal);

/* Sets the default mix, from JSON or from text ("" for none). */
bool tt_mixes_set_default(tt_mixes *mixes, yyjson_val *steering, tt_refusal *refusal);
bool tt_mixes_set_default_text(tt_mixes *mixes, const char *text, tt_error *err);

/* Adds the preset NAME, or reads a file of them: {"NAME": {"AXIS": VALUE, ...}, ...}. */
bool tt_mixes_add_preset(tt_mixes *mixes, const char *name, const char *text, tt_error *err);
bool tt_mixes_read_presets(tt_mixes *mixes, const char *path, tt_error *err);

/* For GET /v1/axes, /v1/steering and /v1/models: adds to `object` or `list` of `doc`. */
void tt_mixes_describe_axes(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *object);
void tt_mixes_describe_default(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *object);
void tt_mixes_describe_models(tt_mixes *mixes, yyjson_mut_doc *doc, yyjson_mut_val *list, int64_t created);

/* How many axes there are. */
size_t tt_mixes_axis_count(const tt_mixes *mixes);

/* What is to be said of the folder's files. */
const tt_notes *tt_mixes_notes(const tt_mixes *mixes);
