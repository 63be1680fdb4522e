/* layout.c: see layout.h */
#include "apply/layout.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* What goes behind the vector's name; NULL where it was trained in this layout, or it is not known in which. */
static const char *difference(const tt_vector *vector, const tt_chat_digest *digest) {
    if (*vector->chat)
        return strcmp(vector->chat, digest->now) != 0
                   ? "was trained on conversations in another chat template (--chat-template, --chat-template-file and "
                     "--chat-template-kwargs should be those of the training)"
                   : NULL;
    const bool ours = *vector->version && vector->samples; /* trained by trimtab, which did not tell of it then */
    if (!ours || !*digest->before || !strcmp(digest->before, digest->now)) return NULL;
    return "was trained by an older trimtab, which laid conversations out otherwise than this model's chat template does; "
           "train it anew";
}

bool tt_layout_warn(const tt_vector *vector, const tt_chat_digest *digest, tt_notes *notes, tt_error *err) {
    const char *what = *vector->axis ? vector->axis : tt_vector_title(vector), *how = difference(vector, digest);
    char *warning = how ? tt_format(err, "'%s' %s", what, how) : NULL;
    bool said = !how;
    for (size_t i = 0; warning && i < notes->count && !said; i++) said = !strcmp(notes->items[i], warning);
    const bool ok = said || (warning && tt_notes_add(notes, err, "%s", warning));
    free(warning);
    return ok;
}
