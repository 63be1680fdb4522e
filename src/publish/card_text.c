/* card_text.c: see card_text.h */
#include "publish/card_text.h"
#include "base/file.h"

#include <string.h>

const char *tt_card_model_name(const tt_card_folder *folder) {
    const char *name = folder->catalogue.axes[0].model_name;
    return *name ? name : "a model without a name";
}

void tt_card_add_plain(tt_text *page, const char *text) {
    for (; *text; text++) {
        if (strchr("\\`*_[]<>|#", *text)) tt_text_add(page, "\\");
        tt_text_add_bytes(page, *text == '\n' || *text == '\r' ? " " : text, 1);
    }
}

void tt_card_add_front_matter(tt_text *page, const tt_card_options *options) {
    tt_text_addf(page, "---\nlicense: %s\n", options->license);
    /* Without the relation, the model's page would list the vectors among its quantised copies. */
    if (options->base_model) tt_text_addf(page, "base_model: %s\nbase_model_relation: adapter\n", options->base_model);
    tt_text_add(page,
                "library_name: gguf\ntags:\n- control-vector\n- gguf\n- llama.cpp\n- creative-writing\n- trimtab\n---\n\n");
}

bool tt_card_write_page(const char *path, tt_text *page, tt_error *err) {
    const bool ok = tt_text_ok(page, err) && tt_file_write(path, page->data, page->length, err);
    tt_text_free(page);
    return ok;
}
