/* sampling.c: the public API's sampling options, by their names in model/sampling.def. See include/trimtab.h. */
#include "api/sampling.h"
#include "api/handle.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

trimtab_sampling *trimtab_sampling_new(trimtab_error *error) {
    tt_error err = {0};
    trimtab_sampling *sampling = tt_alloc(1, sizeof *sampling, &err);
    tt_api_status(sampling != NULL, &err, error);
    if (sampling) sampling->sampling = tt_sampling_defaults();
    return sampling;
}

void trimtab_sampling_free(trimtab_sampling *sampling) {
    if (!sampling) return;
    for (size_t i = 0; i < sampling->text_count; i++) free(sampling->texts[i]);
    free(sampling->texts);
    free(sampling->biases);
    free(sampling);
}

static bool set_bias(trimtab_sampling *s, const char *value, tt_error *err) {
    if (!tt_grow(&s->biases, &s->bias_capacity, s->sampling.bias_count, sizeof *s->biases, err) ||
        !tt_logit_bias_parse(value, &s->biases[s->sampling.bias_count], err))
        return false;
    s->sampling.biases = s->biases;
    s->sampling.bias_count++;
    return true;
}

/* The options borrow texts, so each is kept. */
static bool set_option(trimtab_sampling *s, const char *name, const char *value, tt_error *err) {
    if (!tt_grow(&s->texts, &s->text_capacity, s->text_count, sizeof *s->texts, err)) return false;
    char *copy = tt_strdup(value, err);
    if (!copy) return false;
    s->texts[s->text_count++] = copy;
    return tt_sampling_set(&s->sampling, name, copy, err);
}

static bool set(trimtab_sampling *s, const char *name, const char *value, tt_error *err) {
    if (!s || !name || !value) return tt_fail(err, TT_ERROR_USAGE, "trimtab_sampling_set needs options, a name and a value");
    const bool bias = !strcmp(name, "logit_bias") || !strcmp(name, "--logit-bias");
    return bias ? set_bias(s, value, err) : set_option(s, name, value, err);
}

trimtab_status trimtab_sampling_set(trimtab_sampling *sampling, const char *name, const char *value, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(set(sampling, name, value, &err), &err, error);
}

static bool check(trimtab *t, const trimtab_sampling *sampling, tt_error *err) {
    if (!tt_api_begin(t, "trimtab_sampling_check", err)) return false;
    if (!sampling) return true; /* the defaults */
    tt_sampler *sampler = tt_sampler_open(t->model, &sampling->sampling, err);
    tt_sampler_close(sampler);
    return sampler != NULL;
}

trimtab_status trimtab_sampling_check(trimtab *t, const trimtab_sampling *sampling, trimtab_error *error) {
    tt_error err = {0};
    return tt_api_status(check(t, sampling, &err), &err, error);
}

const char *trimtab_sampling_name(size_t index) {
    const tt_sampling_option *option;
    for (size_t i = 0; (option = tt_sampling_option_at(i)); i++)
        if (option->name && !index--) return option->name;
    return index ? NULL : "logit_bias";
}
