/* folder.c: the public API's view of a folder of control vectors. See include/trimtab.h. */
#include "apply/folder.h"
#include "api/handle.h"
#include "api/vector.h"
#include "apply/target.h"
#include "base/memory.h"

#include <stdlib.h>

typedef struct kept_folder {
    trimtab_folder shown; /* first: it is what the caller has */
    tt_catalogue catalogue;
    trimtab_folder_axis *axes;
} kept_folder;

static trimtab_folder_axis axis_of(const tt_catalogue_axis *axis, const tt_vector_target *target) {
    return (trimtab_folder_axis){
        .name = axis->name,
        .model = axis->model_name,
        .classes = {axis->classes[0], axis->classes[1]},
        .ordered = axis->ordered,
        .plain = axis->plain,
        .files = {axis->paths[TT_FILE_DEBIAS], axis->paths[TT_FILE_NEGATIVE], axis->paths[TT_FILE_POSITIVE]},
        .recommended = {axis->recommended[0], axis->recommended[1]},
        .fit = tt_api_fit(tt_catalogue_fit(axis, target)),
    };
}

static bool open_folder(kept_folder *kept, const char *folder, const trimtab *t, tt_error *err) {
    if (!folder || !*folder) return tt_fail(err, TT_ERROR_USAGE, "trimtab_folder_open needs a folder");
    if (!tt_folder_open(&kept->catalogue, folder, err)) return false;
    const tt_catalogue *catalogue = &kept->catalogue;
    if (!(kept->axes = tt_alloc(catalogue->count, sizeof *kept->axes, err))) return false;
    const tt_vector_target target = t ? tt_target_of_model(t->model) : (tt_vector_target){0};
    for (size_t i = 0; i < catalogue->count; i++) kept->axes[i] = axis_of(&catalogue->axes[i], t ? &target : NULL);
    kept->shown = (trimtab_folder){.axes = kept->axes,
                                   .axis_count = catalogue->count,
                                   .notes = (const char *const *)catalogue->notes.items,
                                   .note_count = catalogue->notes.count};
    return true;
}

trimtab_folder *trimtab_folder_open(const char *folder, const trimtab *t, trimtab_error *error) {
    tt_error err = {0};
    kept_folder *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && open_folder(kept, folder, t, &err);
    tt_api_status(ok, &err, error);
    if (ok) return &kept->shown;
    trimtab_folder_free(kept ? &kept->shown : NULL);
    return NULL;
}

void trimtab_folder_free(trimtab_folder *folder) {
    if (!folder) return;
    kept_folder *kept = (kept_folder *)folder;
    tt_catalogue_free(&kept->catalogue);
    free(kept->axes);
    free(kept);
}
