/* bake.c: the public API's models that carry a mix for good. See include/trimtab.h. */
#include "vectors/bake.h"
#include "api/handle.h"
#include "api/mix.h"
#include "api/options.h"
#include "base/memory.h"

#include <stdlib.h>

typedef struct kept_baked {
    trimtab_baked shown; /* first: it is what the caller has */
    tt_baked baked;
} kept_baked;

trimtab_bake_options trimtab_bake_defaults(void) { return (trimtab_bake_options){.size = sizeof(trimtab_bake_options)}; }

/* Baking uses the file up, so it is opened for that alone. */
static bool open_file(const trimtab_mix *mix, tt_model_file *file, tt_error *err) {
    *file = (tt_model_file){0};
    return mix && mix->model_file ? tt_model_file_open(file, mix->model_file, err)
                                  : tt_fail(err, TT_ERROR_USAGE, "baking needs a mix that was opened with model_file");
}

static void show_baking(uint64_t done, uint64_t total, void *user_data) {
    tt_api_listener *listener = user_data;
    listener->total = total;
    tt_api_tell(listener, done);
}

static bool bake(const trimtab_mix *mix, const char *path, const trimtab_bake_options *given, tt_baked *baked,
                 tt_error *err) {
    trimtab_bake_options options = trimtab_bake_defaults();
    if (!tt_api_options(&options, sizeof options, given, "trimtab_bake_options", err)) return false;
    if (!path || !*path) return tt_fail(err, TT_ERROR_USAGE, "trimtab_bake needs the path of the model to write");
    atomic_bool cancel = false;
    tt_api_listener listener = {options.progress, options.user_data, "writing", "bytes", 0, &cancel};
    const tt_bake_options bake_options = {&cancel, show_baking, &listener};
    tt_model_file file;
    const bool ok = open_file(mix, &file, err) && tt_bake(&file, mix->sum.vector, path, &bake_options, baked, err);
    tt_model_file_close(&file);
    return ok;
}

trimtab_status trimtab_bake(const trimtab_mix *mix, const char *path, const trimtab_bake_options *options,
                            trimtab_baked **baked, trimtab_error *error) {
    tt_error err = {0};
    kept_baked *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && bake(mix, path, options, &kept->baked, &err);
    if (baked) *baked = ok ? &kept->shown : NULL;
    if (ok)
        kept->shown = (trimtab_baked){(const char *const *)kept->baked.paths, kept->baked.path_count, kept->baked.biases,
                                      kept->baked.bytes};
    if (!ok)
        free(kept);
    else if (!baked)
        trimtab_baked_free(&kept->shown);
    return tt_api_status(ok, &err, error);
}

void trimtab_baked_free(trimtab_baked *baked) {
    if (baked) tt_baked_free(&((kept_baked *)baked)->baked);
    free(baked);
}

trimtab_status trimtab_bake_check(const trimtab_mix *mix, trimtab_error *error) {
    tt_error err = {0};
    tt_model_file file;
    const bool ok = open_file(mix, &file, &err) && tt_bake_check(&file, mix->sum.vector, &err);
    tt_model_file_close(&file);
    return tt_api_status(ok, &err, error);
}
