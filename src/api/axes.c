/* axes.c: the public API's axes: built in, or in files. See include/trimtab.h. */
#include "api/handle.h"
#include "base/memory.h"
#include "prompts/axis.h"

#include <stdlib.h>

const char *trimtab_axis_name(size_t index) { return index < tt_axis_builtin_count() ? tt_axis_builtin_name(index) : NULL; }

/* ==== One ==== */

typedef struct kept_axis {
    trimtab_axis shown; /* first: it is what the caller has */
    tt_axis axis;
} kept_axis;

static bool load(kept_axis *kept, const char *name, tt_error *err) {
    if (!name) return tt_fail(err, TT_ERROR_USAGE, "trimtab_axis_load needs an axis' name, or a file");
    if (!tt_axis_load(&kept->axis, name, err)) return false;
    const tt_axis *axis = &kept->axis;
    static_assert(sizeof(trimtab_pair) == sizeof(tt_pair));
    kept->shown = (trimtab_axis){.name = axis->name,
                                 .classes = {axis->classes[TT_NEGATIVE], axis->classes[TT_POSITIVE]},
                                 .group = axis->group,
                                 .description = axis->description,
                                 .pairs = (const trimtab_pair *)axis->pairs,
                                 .pair_count = axis->pair_count};
    return true;
}

trimtab_axis *trimtab_axis_load(const char *name_or_file, trimtab_error *error) {
    tt_error err = {0};
    kept_axis *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && load(kept, name_or_file, &err);
    tt_api_status(ok, &err, error);
    if (ok) return &kept->shown;
    free(kept);
    return NULL;
}

void trimtab_axis_free(trimtab_axis *axis) {
    if (axis) tt_axis_free(&((kept_axis *)axis)->axis);
    free(axis);
}

/* ==== What is wrong with a file ==== */

typedef struct kept_findings {
    trimtab_findings shown;
    tt_findings findings;
    trimtab_finding *list;
} kept_findings;

static bool check(kept_findings *kept, const char *file, tt_error *err) {
    if (!file) return tt_fail(err, TT_ERROR_USAGE, "trimtab_axis_check needs a file");
    tt_findings *findings = &kept->findings;
    tt_axis_check_file(file, &kept->shown.pair_count, findings);
    if (findings->failed) return tt_fail(err, TT_ERROR_MEMORY, "out of memory");
    if (!(kept->list = tt_alloc(findings->count, sizeof *kept->list, err))) return false;
    for (size_t i = 0; i < findings->count; i++)
        kept->list[i] = (trimtab_finding){findings->list[i].line, findings->list[i].is_warning, findings->list[i].message};
    kept->shown.list = kept->list;
    kept->shown.count = findings->count;
    kept->shown.omitted = findings->omitted;
    kept->shown.errors = findings->error_count;
    return true;
}

trimtab_findings *trimtab_axis_check(const char *file, trimtab_error *error) {
    tt_error err = {0};
    kept_findings *kept = tt_alloc(1, sizeof *kept, &err);
    const bool ok = kept && check(kept, file, &err);
    tt_api_status(ok, &err, error);
    if (ok) return &kept->shown;
    trimtab_findings_free(kept ? &kept->shown : NULL);
    return NULL;
}

void trimtab_findings_free(trimtab_findings *findings) {
    if (!findings) return;
    kept_findings *kept = (kept_findings *)findings;
    tt_findings_free(&kept->findings);
    free(kept->list);
    free(kept);
}
