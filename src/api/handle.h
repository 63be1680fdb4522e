/* handle.h: what stands behind a `trimtab`, shared by the files of api/. include/trimtab.h is the library's manual.
 *
 * api/ is a thin layer: it turns the public structures into the rooms' own, calls them, and turns tt_error back. */
#pragma once

#include "base/text.h"
#include "model/chat.h"
#include "model/control_text.h"
#include "model/generate.h"
#include "model/model.h"
#include "model/score.h"
#include "trimtab.h"

#include <stdatomic.h>

struct trimtab {
    tt_model *model;
    trimtab_facts facts;
    uint32_t context;
    tt_chat_options layout;   /* its texts are the handle's */
    tt_chat *chat;            /* opened by the first conversation: a base model has no template */
    tt_control_text *control; /* opened when first needed, as the next two: training does without */
    tt_generator *generator;
    tt_score *score;
    tt_steering *steering; /* in use, a reference; NULL: none */
    tt_text warnings;
    atomic_bool cancel; /* set by trimtab_cancel, cleared when a call begins */
};

/* The status of `ok`; the caller's `error` (unless NULL) gets it too, with what `err` says where `ok` is false. */
trimtab_status tt_api_status(bool ok, const tt_error *err, trimtab_error *error);

/* Begins a call: a cancellation that came before does not concern it. False for a handle that is NULL. */
bool tt_api_begin(trimtab *t, const char *function, tt_error *err);

bool tt_api_need_chat(trimtab *t, tt_error *err);
bool tt_api_need_generator(trimtab *t, tt_error *err);

/* Applies what `steering` (NULL: nothing) does. */
bool tt_api_steer(trimtab *t, tt_steering *steering, tt_error *err);

/* Frees a text that is kept where a caller sees it as borrowed. Harmless on NULL. */
void tt_api_free_text(const char *text);
