/* folder.c: see folder.h */
#include "apply/folder.h"
#include "base/memory.h"
#include "prompts/axis.h"

#include <stdlib.h>

bool tt_folder_open(tt_catalogue *catalogue, const char *folder, tt_error *err) {
    const size_t count = tt_axis_builtin_count();
    tt_axis *axes = tt_alloc(count, sizeof *axes, err);
    tt_class_order *orders = tt_alloc(count, sizeof *orders, err);
    bool ok = axes && orders;
    for (size_t i = 0; ok && i < count; i++) {
        ok = tt_axis_load(&axes[i], tt_axis_builtin_name(i), err);
        if (ok) orders[i] = (tt_class_order){axes[i].name, {axes[i].classes[0], axes[i].classes[1]}};
    }
    ok = ok && tt_catalogue_open(catalogue, folder, orders, count, err);
    for (size_t i = 0; axes && i < count; i++) tt_axis_free(&axes[i]);
    free(axes);
    free(orders);
    return ok;
}
