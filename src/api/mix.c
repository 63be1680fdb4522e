/* mix.c: the public API's mixes: what is asked for, found, checked and added up. See include/trimtab.h. */
#include "api/mix.h"
#include "api/handle.h"
#include "api/options.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* ==== Opening ==== */

trimtab_mix_options trimtab_mix_defaults(void) { return (trimtab_mix_options){.size = sizeof(trimtab_mix_options)}; }

static bool keep_text(char **to, const char *text, tt_error *err) { return !text || (*to = tt_strdup(text, err)) != NULL; }

static bool open_target(trimtab_mix *mix, const trimtab_mix_options *options, tt_error *err) {
    if (options->model && options->model_file)
        return tt_fail(err, TT_ERROR_USAGE, "a mix is for a model that is open or for a model's file, not for both");
    if (options->model) mix->target = tt_target_of_model(options->model->model);
    if (!options->model_file) return true;
    if (!keep_text(&mix->model_file, options->model_file, err) || !tt_target_open(&mix->file, options->model_file, err))
        return false;
    mix->target = mix->file.target;
    return true;
}

/* Shows what the mixer has in use. */
static bool show(trimtab_mix *mix, tt_error *err) {
    const tt_blend *blend = tt_mixer_blend(mix->mixer);
    const tt_notes *warnings = tt_mixer_warnings(mix->mixer);
    struct trimtab_vector *parts = tt_alloc(blend->part_count, sizeof *parts, err);
    if (!parts) return false;
    for (size_t i = 0; i < blend->part_count; i++) parts[i] = tt_api_view(&blend->parts[i].vector);
    free(mix->parts);
    mix->parts = parts;
    mix->sum = tt_api_view(&blend->vector);
    mix->facts = (trimtab_mix_facts){
        .text = tt_mixer_text(mix->mixer),
        .vector = &mix->sum,
        .warnings = (const char *const *)warnings->items,
        .warning_count = warnings->count,
        .part_count = blend->part_count,
        .axis_count = blend->axis_count,
        .largest = blend->largest,
        .safe_scale = blend->safe_scale,
    };
    return true;
}

static bool open_mix(trimtab_mix *mix, const trimtab_mix_options *given, tt_error *err) {
    trimtab_mix_options options = trimtab_mix_defaults();
    if (!tt_api_options(&options, sizeof options, given, "trimtab_mix_options", err) ||
        !keep_text(&mix->folder, options.folder, err) || !open_target(mix, &options, err))
        return false;
    trimtab *t = options.model;
    const bool known = t || options.model_file, laid_out = t && options.conversation;
    if (laid_out && !tt_api_need_chat(t, err)) return false;
    const tt_mixer_options mixer_options = {.folder = mix->folder,
                                            .target = known ? &mix->target : NULL,
                                            .force = options.force != 0,
                                            .model = t ? t->model : NULL,
                                            .chat = laid_out ? t->chat : NULL};
    mix->mixer = tt_mixer_open(&mixer_options, err);
    return mix->mixer && show(mix, err);
}

trimtab_mix *trimtab_mix_open(const trimtab_mix_options *options, trimtab_error *error) {
    tt_error err = {0};
    trimtab_mix *mix = tt_alloc(1, sizeof *mix, &err);
    const bool ok = mix && open_mix(mix, options, &err);
    tt_api_status(ok, &err, error);
    if (ok) return mix;
    trimtab_mix_free(mix);
    return NULL;
}

void trimtab_mix_free(trimtab_mix *mix) {
    if (!mix) return;
    tt_mixer_close(mix->mixer);
    tt_target_close(&mix->file);
    free(mix->parts);
    free(mix->folder);
    free(mix->model_file);
    free(mix);
}

/* ==== What is asked for ==== */

static bool need(const void *mix, const void *argument, const char *function, tt_error *err) {
    return (mix && argument) || tt_fail(err, TT_ERROR_USAGE, "%s was given NULL", function);
}

trimtab_status trimtab_mix_add(trimtab_mix *mix, const char *text, trimtab_error *error) {
    tt_error err = {0};
    const bool ok = need(mix, text, "trimtab_mix_add", &err) && tt_mix_parse(tt_mixer_wanted(mix->mixer), text, &err);
    return tt_api_status(ok, &err, error);
}

trimtab_status trimtab_mix_set(trimtab_mix *mix, const char *text, trimtab_error *error) {
    tt_error err = {0};
    const bool ok = need(mix, text, "trimtab_mix_set", &err) && tt_mixer_want(mix->mixer, text, &err);
    return tt_api_status(ok, &err, error);
}

trimtab_status trimtab_mix_add_file(trimtab_mix *mix, const char *path, double scale, trimtab_error *error) {
    tt_error err = {0};
    const bool ok =
        need(mix, path, "trimtab_mix_add_file", &err) && tt_mix_add_file(tt_mixer_wanted(mix->mixer), path, scale, &err);
    return tt_api_status(ok, &err, error);
}

trimtab_status trimtab_mix_add_files(trimtab_mix *mix, const char *text, int32_t scaled, trimtab_error *error) {
    tt_error err = {0};
    const bool ok = need(mix, text, "trimtab_mix_add_files", &err) &&
                    tt_mix_parse_files(tt_mixer_wanted(mix->mixer), text, scaled != 0, &err);
    return tt_api_status(ok, &err, error);
}

static bool is_zero(const float *row, uint32_t width) {
    for (uint32_t i = 0; i < width; i++)
        if (row[i] != 0) return false;
    return true;
}

static bool vector_of_rows(tt_vector *vector, const float *rows, uint32_t blocks, uint32_t width, tt_error *err) {
    if (blocks < 2 || blocks > TT_LAYERS_MOST || !width)
        return tt_fail(err, TT_ERROR_USAGE, "trimtab_mix_add_rows takes the rows of 2 to %d blocks, of a width above 0",
                       TT_LAYERS_MOST);
    if (!tt_vector_init(vector, blocks, width, err)) return false;
    for (uint32_t K = 1; K < blocks; K++) {
        const float *row = rows + (size_t)K * width;
        for (uint32_t i = 0; i < width; i++)
            if (!isfinite(row[i])) return tt_fail(err, TT_ERROR_INPUT, "value %u of row %u is not a finite number", i, K);
        if (!is_zero(row, width) && !tt_vector_add_row(vector, K, row, 1, err)) return false;
    }
    return true;
}

trimtab_status trimtab_mix_add_rows(trimtab_mix *mix, const float *rows, uint32_t blocks, uint32_t width, double scale,
                                    trimtab_error *error) {
    tt_error err = {0};
    tt_vector vector = {0};
    const bool ok = need(mix, rows, "trimtab_mix_add_rows", &err) && vector_of_rows(&vector, rows, blocks, width, &err) &&
                    tt_mix_add_vector(tt_mixer_wanted(mix->mixer), &vector, scale, &err);
    tt_vector_free(&vector);
    return tt_api_status(ok, &err, error);
}

trimtab_status trimtab_mix_layers(trimtab_mix *mix, int64_t first, int64_t last, trimtab_error *error) {
    tt_error err = {0};
    const bool ok =
        need(mix, mix, "trimtab_mix_layers", &err) && tt_mix_set_layers(tt_mixer_wanted(mix->mixer), first, last, &err);
    return tt_api_status(ok, &err, error);
}

void trimtab_mix_clear(trimtab_mix *mix) {
    tt_mix *wanted = tt_mixer_wanted(mix->mixer);
    const tt_mix none = {.first_layer = wanted->first_layer, .last_layer = wanted->last_layer};
    tt_mix_free(wanted);
    *wanted = none;
}

trimtab_status trimtab_mix_reset(trimtab_mix *mix, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(need(mix, mix, "trimtab_mix_reset", &err) && tt_mixer_reset(mix->mixer, &err), &err, error);
}

/* ==== What it comes to ==== */

trimtab_status trimtab_mix_settle(trimtab_mix *mix, trimtab_error *error) {
    tt_error err = {0};
    const bool ok = need(mix, mix, "trimtab_mix_settle", &err) && tt_mixer_settle(mix->mixer, &err) && show(mix, &err);
    return tt_api_status(ok, &err, error);
}

const trimtab_mix_facts *trimtab_mix_facts_of(const trimtab_mix *mix) { return &mix->facts; }

const trimtab_vector *trimtab_mix_part(const trimtab_mix *mix, size_t index, double *scale) {
    if (index >= mix->facts.part_count) return NULL;
    if (scale) *scale = tt_mixer_blend(mix->mixer)->parts[index].scale;
    return &mix->parts[index];
}
