/* target.c: see target.h */
#include "apply/target.h"

tt_vector_target tt_target_of_model(const tt_model *model) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    return (tt_vector_target){facts->architecture, facts->fingerprint, facts->width, facts->blocks, NULL};
}

bool tt_target_open(tt_target *target, const char *path, tt_error *err) {
    *target = (tt_target){0};
    if (!tt_model_file_open(&target->file, path, err) || !tt_model_file_check_shape(&target->file, err) ||
        !tt_gguf_facts_of(&target->facts, &target->file, err)) {
        tt_target_close(target);
        return false;
    }
    target->target = (tt_vector_target){target->facts.architecture, target->facts.fingerprint, target->file.width,
                                        target->file.layer_count, NULL};
    return true;
}

void tt_target_close(tt_target *target) {
    tt_model_file_close(&target->file);
    tt_gguf_facts_free(&target->facts);
    *target = (tt_target){0};
}
