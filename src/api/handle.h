/* handle.h: what stands behind a `trimtab`, shared by the files of api/. include/trimtab.h is the library's manual.
 *
 * api/ is a thin layer: it turns the public structures into the rooms' own, calls them, and turns tt_error back. */
#pragma once

#include "base/text.h"
#include "model/chat.h"
#include "model/generate.h"
#include "model/model.h"
#include "trimtab.h"

#include <stdatomic.h>

struct trimtab {
    tt_model *model;
    uint32_t context;
    char *chat_template;           /* NULL: the model's own */
    char *chat_file, *chat_kwargs; /* of tt_chat_options; NULL: none */
    tt_chat *chat;                 /* opened by the first prompt that needs it: a base model has no template */
    tt_generator *generator;       /* opened when first needed: training does without */
    tt_text warnings;
    atomic_bool cancel; /* set by trimtab_cancel, cleared when a call begins */
};

/* The status of `ok`; the caller's `error` (unless NULL) gets it too, with what `err` says where `ok` is false. */
trimtab_status tt_api_status(bool ok, const tt_error *err, trimtab_error *error);

/* Begins a call: a cancellation that came before does not concern it. False for a handle that is NULL. */
bool tt_api_begin(trimtab *t, const char *function, tt_error *err);

/* How the handle lays conversations out. The texts are its. */
tt_chat_options tt_api_chat(const trimtab *t);

bool tt_api_need_generator(trimtab *t, tt_error *err);
