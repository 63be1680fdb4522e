/* mixer.h: the mix in use: opened for a model and a folder of vectors, changed in steps, always ready to be applied.
 *
 * The command line and the library steer by way of this; the server, which has many mixes at once, by the parts it is made
 * of (folder.h, mix.h, blend.h). A change that fails leaves the mix as it was. Not for several threads at once. */
#pragma once

#include "apply/blend.h"
#include "model/chat.h"
#include "model/model.h"

typedef struct tt_mixer tt_mixer;

typedef struct tt_mixer_options {
    const char *folder;             /* where axes are found, read when an axis is first asked for; NULL: there are none */
    const tt_vector_target *target; /* the model; NULL: not known, so the vectors must at least fit one another */
    bool force;                     /* what is unwise becomes a warning, where the numbers still fit */
    tt_model *model;                /* the target, where it is loaded: to judge strengths by (strength.h); may be NULL */
    const tt_chat *chat; /* how conversations are laid out: vectors of another layout are warned of; may be NULL */
} tt_mixer_options;

/* Opens with an empty mix. What the options point to must outlive the mixer. */
tt_mixer *tt_mixer_open(const tt_mixer_options *options, tt_error *err);
void tt_mixer_close(tt_mixer *mixer); /* harmless on NULL */

/* What is asked for next, to be changed by mix.h's functions; and axes set to new values, as the folder knows which names
 * mean the same axis. Value 0 is the de-bias vector alone. */
tt_mix *tt_mixer_wanted(tt_mixer *mixer);
bool tt_mixer_want(tt_mixer *mixer, const char *text, tt_error *err);

/* Puts that in use. On failure what is asked for is what is in use again. */
bool tt_mixer_settle(tt_mixer *mixer, tt_error *err);

/* Forgets what was asked for since. */
bool tt_mixer_reset(tt_mixer *mixer, tt_error *err);

/* What is in use: in its usual form, such as "language=0.5,my.gguf:0.3" ("" for nothing); as it was asked for; what it comes
 * to; and what there is to warn of. The mixer's, until it is settled again. */
const char *tt_mixer_text(const tt_mixer *mixer);
const tt_mix *tt_mixer_mix(const tt_mixer *mixer);
const tt_blend *tt_mixer_blend(const tt_mixer *mixer);
const tt_notes *tt_mixer_warnings(const tt_mixer *mixer);
