/* collection.c: the page of several models' vectors, the smallest model first; see card.h. */
#include "base/file.h"
#include "base/memory.h"
#include "publish/card.h"
#include "publish/card_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One model. */
typedef struct entry {
    tt_card_folder folder;
    char *way;         /* from the folder that the page is in, with a slash at its end or empty; owned */
    double parameters; /* of the model */
    bool told;         /* by its vectors; else they are reckoned */
} entry;

/* ==== How large a model is ==== */

/* Vectors made elsewhere, or by an older trimtab, do not tell. Then it is what most models' blocks hold, attention's four
 * matrices of d x d and twice as much again in the feed-forward layer: 12 L d^2. The embeddings are not in that, which can
 * be more than all blocks of a small model. */
static double reckoned_parameters(const tt_vector *vector) {
    return 12.0 * vector->layer_count * (double)vector->width * (double)vector->width;
}

static void find_parameters(entry *model) {
    for (size_t i = 0; i < model->folder.count; i++)
        model->parameters = fmax(model->parameters, (double)model->folder.axes[i].side.parameters);
    model->told = model->parameters > 0;
    if (!model->told) model->parameters = reckoned_parameters(&model->folder.axes[0].side);
}

/* By size; by name and place where that is the same, so that the order is always one and the same. */
static int compare(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->parameters != y->parameters) return x->parameters < y->parameters ? -1 : 1;
    const int names = strcmp(tt_card_model_name(&x->folder), tt_card_model_name(&y->folder));
    return names ? names : strcmp(x->way, y->way);
}

/* ==== Where it is ==== */

/* The folder's whole path, without dots and symbolic links, with a slash at its end. The caller frees. */
static char *whole_path(const char *folder, tt_error *err) {
    char *path = realpath(folder, NULL);
    if (!path) {
        tt_fail_errno(err, "cannot find the folder '%s'", folder);
        return NULL;
    }
    char *whole = tt_path_join(path, "", err);
    free(path);
    return whole;
}

/* The way from one whole path to another: "", "small/", "../vectors/small/". The caller frees. */
static char *way_between(const char *from, const char *to, tt_error *err) {
    size_t common = 0;
    for (size_t i = 0; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/') common = i + 1;
    tt_text way = {0};
    for (const char *at = from + common; *at; at++)
        if (*at == '/') tt_text_add(&way, "../");
    tt_text_add(&way, to + common);
    return tt_text_take(&way, err);
}

static bool find_way(entry *model, const char *page_folder, tt_error *err) {
    char *to = whole_path(model->folder.catalogue.folder, err);
    model->way = to ? way_between(page_folder, to, err) : NULL;
    free(to);
    return model->way != NULL;
}

/* A path in a link: what could end the link, or mean something in it, is written as %XX. */
static void add_link(tt_text *page, const char *path) {
    for (; *path; path++) {
        if (isalnum((unsigned char)*path) || strchr("-._~/", *path))
            tt_text_add_bytes(page, path, 1);
        else
            tt_text_addf(page, "%%%02X", (unsigned)(unsigned char)*path);
    }
}

/* ==== The page ==== */

static void add_model(tt_text *page, const entry *model) {
    const tt_card_folder *folder = &model->folder;
    const tt_vector *side = &folder->axes[0].side;
    char parameters[32];
    size_t evaluated = 0;
    for (size_t axis = 0; axis < folder->count; axis++) evaluated += folder->axes[axis].figures != NULL;
    tt_text_add(page, "| [");
    tt_card_add_plain(page, tt_card_model_name(folder));
    tt_text_add(page, "](");
    add_link(page, model->way);
    tt_text_addf(page, "README.md) | %s%s | %u | %u | %zu | %zu |\n", model->told ? "" : "about ",
                 tt_parameters_text(model->parameters, parameters), side->layer_count, side->width, folder->count,
                 evaluated);
}

static void add_models(tt_text *page, const entry *models, size_t count) {
    bool all_told = true;
    tt_text_add(
        page, "# Control vectors\n\nSmall vectors that change how a model writes, for these models, the smallest first:\n\n"
              "| model | parameters | blocks | width | axes | evaluated |\n|---|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++) {
        add_model(page, &models[i]);
        all_told = all_told && models[i].told;
    }
    if (!all_told)
        tt_text_add(page, "\n\"About\": reckoned from blocks and width, without embeddings, where the vectors do not tell "
                          "how many parameters their model has.\n");
    tt_text_add(page, "\nEach model's page tells how to apply its vectors, how well they steer and how they were made.\n");
}

static bool open_model(entry *model, const char *folder, const char *page_folder, tt_error *err) {
    tt_notes none = {0}; /* each folder's own page has told */
    const bool ok = tt_card_folder_open(&model->folder, folder, &none, err) && find_way(model, page_folder, err);
    if (ok) find_parameters(model);
    tt_notes_free(&none);
    return ok;
}

/* `path`'s folder as whole_path has it. */
static char *folder_of_page(const char *path, tt_error *err) {
    char *folder = tt_path_folder(path, err);
    char *whole = folder ? whole_path(folder, err) : NULL;
    free(folder);
    return whole;
}

bool tt_collection_write(const char *const *folders, size_t count, const char *path, const tt_card_options *options,
                         tt_error *err) {
    char *page_folder = folder_of_page(path, err);
    entry *models = page_folder ? tt_alloc(count, sizeof *models, err) : NULL;
    bool ok = models != NULL;
    for (size_t i = 0; ok && i < count; i++) ok = open_model(&models[i], folders[i], page_folder, err);
    if (ok) {
        qsort(models, count, sizeof *models, compare);
        tt_text page = {0};
        tt_card_add_front_matter(&page, &(tt_card_options){.license = options->license});
        add_models(&page, models, count);
        ok = tt_card_write_page(path, &page, err);
    }
    for (size_t i = 0; models && i < count; i++) {
        tt_card_folder_close(&models[i].folder);
        free(models[i].way);
    }
    free(models);
    free(page_folder);
    return ok;
}
