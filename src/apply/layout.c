/* layout.c: see layout.h */
#include "apply/layout.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

tt_layout_match tt_layout_of(const tt_vector *vector, const tt_chat_digest *digest) {
    if (*vector->chat) return strcmp(vector->chat, digest->now) ? TT_LAYOUT_OTHER : TT_LAYOUT_ALIKE;
    const bool ours = *vector->version && vector->samples; /* trained by trimtab, which did not tell of it then */
    if (!ours || !*digest->before) return TT_LAYOUT_ALIKE;
    return strcmp(digest->before, digest->now) ? TT_LAYOUT_BEFORE : TT_LAYOUT_ALIKE;
}

char *tt_layout_warning(tt_layout_match match, const char *what, tt_error *err) {
    if (match == TT_LAYOUT_OTHER)
        return tt_format(
            err,
            "'%s' was trained on conversations in another chat template (--chat-template, --chat-template-file and "
            "--chat-template-kwargs should be those of the training)",
            what);
    if (match == TT_LAYOUT_BEFORE)
        return tt_format(
            err,
            "'%s' was trained by an older trimtab, which laid conversations out otherwise than this model's chat "
            "template does; train it anew",
            what);
    return tt_strdup("", err);
}

bool tt_layout_warn(const tt_vector *vector, const tt_chat_digest *digest, tt_notes *notes, tt_error *err) {
    const char *what = *vector->axis ? vector->axis : tt_vector_title(vector);
    char *warning = tt_layout_warning(tt_layout_of(vector, digest), what, err);
    if (!warning) return false;
    bool ok = true, said = !*warning;
    for (size_t i = 0; i < notes->count && !said; i++) said = !strcmp(notes->items[i], warning);
    if (!said) ok = tt_notes_add(notes, err, "%s", warning);
    free(warning);
    return ok;
}
