/* installed.c: see installed.h */
#include "base/installed.h"
#include "base/text.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With the slash. */
static void own_folder(tt_text *folder) {
    char path[PATH_MAX] = "";
    Dl_info info;
    struct link_map *map = NULL;
    const bool found = dladdr1((const void *)&own_folder, &info, (void **)&map, RTLD_DL_LINKMAP) && map;
    if (found && map->l_name[0])
        snprintf(path, sizeof path, "%s", map->l_name); /* a library's own path */
    else if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        return;
    const char *slash = strrchr(path, '/');
    tt_text_add_bytes(folder, path, slash ? (size_t)(slash - path) + 1 : 0);
}

bool tt_installed_part(const char *name, char **path, tt_error *err) {
    static const char *const places[] = {"", "../", "trimtab/", "../" TRIMTAB_LIBDIR "/trimtab/"};
    tt_text folder = {0}, at = {0};
    own_folder(&folder);
    *path = NULL;
    bool ok = tt_text_ok(&folder, err);
    for (size_t i = 0; ok && !*path && folder.data && i < sizeof places / sizeof *places; i++) {
        tt_text_clear(&at);
        tt_text_addf(&at, "%s%s%s", folder.data, places[i], name);
        ok = tt_text_ok(&at, err);
        if (ok && access(at.data, R_OK) == 0) {
            *path = tt_text_take(&at, err);
            ok = *path != NULL;
        }
    }
    tt_text_free(&folder);
    tt_text_free(&at);
    return ok;
}
