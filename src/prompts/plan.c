/* plan.c: see plan.h */
#include "prompts/plan.h"
#include "base/memory.h"
#include "base/random.h"
#include "prompts/stems.h"
#include "prompts/writing_prompts.h"

#include <stdlib.h>
#include <string.h>

typedef struct plan_half { /* of the stems */
    tt_phrases phrases;
    const char *what; /* for messages */
    tt_partition partition;
    uint64_t stream;
} plan_half;

typedef struct plan_axis {
    char *what; /* for messages: "pairs of the axis ..." */
    tt_pair *pairs;
    size_t pair_count;
    tt_partition partition;
    uint64_t stream;
} plan_axis;

struct tt_plan {
    uint64_t seed;
    size_t prompts_per_system;
    plan_half pre, post;
    tt_writing_prompts *prompts;
    plan_axis *axes;
    size_t axis_count;
    char hash[TT_HASH_TEXT];
};

static void axis_free(plan_axis *axis) {
    for (size_t i = 0; i < axis->pair_count; i++)
        for (int side = 0; side < 2; side++) free(axis->pairs[i].side[side]);
    free(axis->pairs);
    free(axis->what);
    tt_partition_free(&axis->partition);
}

void tt_plan_free(tt_plan *plan) {
    if (!plan) return;
    for (size_t i = 0; plan->axes && i < plan->axis_count; i++) axis_free(&plan->axes[i]);
    free(plan->axes);
    tt_stems stems = {plan->pre.phrases, plan->post.phrases};
    tt_stems_free(&stems);
    tt_partition_free(&plan->pre.partition);
    tt_partition_free(&plan->post.partition);
    tt_writing_prompts_free(plan->prompts);
    free(plan);
}

/* ==== Making a plan ==== */

static bool check_options(const tt_axis *axes, size_t axis_count, const tt_plan_options *options, tt_error *err) {
    if (!axis_count) return tt_fail(err, TT_ERROR_USAGE, "there is no axis to draw samples for; name at least one");
    if (!options->prompts_per_system)
        return tt_fail(err, TT_ERROR_USAGE, "0 writing prompts a system message make no sample; choose at least 1");
    if (!(options->held_out >= 0 && options->held_out < 1))
        return tt_fail(err, TT_ERROR_USAGE, "a held-out share of %g makes no sense; choose one from 0 to below 1",
                       options->held_out);
    for (size_t i = 0; i < axis_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(axes[i].name, axes[j].name) == 0)
                return tt_fail(err, TT_ERROR_INPUT, "two axes have the name \"%s\"; leave one out, or rename its file",
                               axes[i].name);
    return true;
}

static bool make_half(plan_half *half, const char *what, double held_out, tt_error *err) {
    half->what = what;
    half->stream = tt_random_stream(what);
    uint64_t *keys = tt_alloc(half->phrases.count, sizeof *keys, err);
    if (!keys) return false;
    for (size_t i = 0; i < half->phrases.count; i++) keys[i] = tt_partition_key(half->phrases.list[i]);
    const bool ok = tt_partition_make(&half->partition, keys, half->phrases.count, held_out, what, err);
    free(keys);
    return ok;
}

static bool copy_pairs(plan_axis *axis, const tt_axis *from, tt_error *err) {
    axis->what = tt_format(err, "pairs of the axis \"%s\"", from->name);
    axis->pairs = axis->what ? tt_alloc(from->pair_count, sizeof *axis->pairs, err) : NULL;
    if (!axis->pairs) return false;
    for (size_t i = 0; i < from->pair_count; i++) {
        axis->pair_count = i + 1;
        for (int side = 0; side < 2; side++) {
            axis->pairs[i].side[side] = tt_strdup(from->pairs[i].side[side], err);
            if (!axis->pairs[i].side[side]) return false;
        }
    }
    return true;
}

static bool make_axis(plan_axis *axis, const tt_axis *from, double held_out, tt_error *err) {
    if (!copy_pairs(axis, from, err)) return false;
    uint64_t *keys = tt_alloc(axis->pair_count, sizeof *keys, err);
    for (size_t i = 0; i < axis->pair_count && keys; i++)
        keys[i] = tt_partition_pair_key(axis->pairs[i].side[TT_NEGATIVE], axis->pairs[i].side[TT_POSITIVE]);
    const bool ok = keys && tt_partition_make(&axis->partition, keys, axis->pair_count, held_out, axis->what, err);
    axis->stream = tt_random_stream(axis->what);
    free(keys);
    return ok;
}

static void hash_phrases(tt_hash *hash, const tt_phrases *phrases) {
    tt_hash_u64(hash, phrases->count);
    for (size_t i = 0; i < phrases->count; i++) tt_hash_text(hash, phrases->list[i]);
}

static void hash_plan(tt_plan *plan, const tt_plan_options *options) {
    uint64_t held_out;
    static_assert(sizeof held_out == sizeof options->held_out);
    memcpy(&held_out, &options->held_out, sizeof held_out);
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_text(&hash, "plan 1"); /* increase it when the same input would draw other samples */
    tt_hash_u64(&hash, options->seed);
    tt_hash_u64(&hash, options->prompts_per_system);
    tt_hash_u64(&hash, held_out);
    hash_phrases(&hash, &plan->pre.phrases);
    hash_phrases(&hash, &plan->post.phrases);
    tt_hash_text(&hash, tt_writing_prompts_hash(plan->prompts));
    tt_hash_end(&hash, plan->hash);
}

static bool fill_plan(tt_plan *plan, const tt_axis *axes, size_t axis_count, const tt_plan_options *options,
                      const atomic_bool *cancel, tt_error *err) {
    tt_stems stems;
    if (!tt_stems_load(&stems, options->stems_file, err)) return false;
    plan->pre.phrases = stems.pre;
    plan->post.phrases = stems.post;
    if (!make_half(&plan->pre, "first halves of the stems", options->held_out, err)) return false;
    if (!make_half(&plan->post, "second halves of the stems", options->held_out, err)) return false;
    plan->prompts = tt_writing_prompts_load(options->prompts_file, options->held_out, cancel, err);
    plan->axes = plan->prompts ? tt_alloc(axis_count, sizeof *plan->axes, err) : NULL;
    if (!plan->axes) return false;
    for (size_t i = 0; i < axis_count; i++) {
        plan->axis_count = i + 1;
        if (!make_axis(&plan->axes[i], &axes[i], options->held_out, err)) return false;
    }
    hash_plan(plan, options);
    return true;
}

tt_plan *tt_plan_create(const tt_axis *axes, size_t axis_count, const tt_plan_options *options, const atomic_bool *cancel,
                        tt_error *err) {
    if (!check_options(axes, axis_count, options, err)) return NULL;
    tt_plan *plan = tt_alloc(1, sizeof *plan, err);
    if (!plan) return NULL;
    plan->seed = options->seed;
    plan->prompts_per_system = options->prompts_per_system;
    if (fill_plan(plan, axes, axis_count, options, cancel, err)) return plan;
    tt_plan_free(plan);
    return NULL;
}

const char *tt_plan_hash(const tt_plan *plan) { return plan->hash; }

/* ==== Drawing a sample ==== */

/* The index of an item of `split`; `group` counts the system messages. SIZE_MAX with an error if the split has none. */
static size_t draw_item(const tt_plan *plan, const tt_partition *partition, uint64_t stream, tt_split split, uint64_t group,
                        const char *what, tt_error *err) {
    if (partition->count[split])
        return partition->indices[split][tt_random_below(plan->seed, stream + split, group, 0, partition->count[split])];
    tt_fail(err, TT_ERROR_INPUT,
            "none of the %zu %s are held out of training; that takes a held-out share above 0 and at least %d of them",
            partition->count[TT_SPLIT_TRAINING], what, TT_PARTITION_LEAST);
    return SIZE_MAX;
}

static bool fill_axis(const tt_plan *plan, size_t axis, tt_split split, uint64_t group, const char *stem, tt_sample *sample,
                      tt_error *err) {
    const plan_axis *from = &plan->axes[axis];
    const size_t pair = draw_item(plan, &from->partition, from->stream, split, group, from->what, err);
    if (pair == SIZE_MAX) return false;
    sample->pair_indices[axis] = pair;
    for (int side = 0; side < 2; side++) {
        sample->systems[axis][side] = tt_format(err, "%s %s.", stem, from->pairs[pair].side[side]);
        if (!sample->systems[axis][side]) return false;
    }
    return true;
}

static bool fill_sample(const tt_plan *plan, tt_split split, size_t index, const char *stem, tt_sample *sample,
                        tt_error *err) {
    sample->baseline = tt_format(err, "%s.", stem);
    sample->systems = sample->baseline ? tt_alloc(plan->axis_count, sizeof *sample->systems, err) : NULL;
    sample->pair_indices = sample->systems ? tt_alloc(plan->axis_count, sizeof *sample->pair_indices, err) : NULL;
    if (!sample->pair_indices) return false;
    sample->axis_count = plan->axis_count;
    for (size_t i = 0; i < plan->axis_count; i++)
        if (!fill_axis(plan, i, split, index / plan->prompts_per_system, stem, sample, err)) return false;
    sample->writing_prompt = tt_writing_prompts_draw(plan->prompts, split, plan->seed, index, err);
    return sample->writing_prompt != NULL;
}

bool tt_plan_sample(const tt_plan *plan, tt_split split, size_t index, tt_sample *sample, tt_error *err) {
    *sample = (tt_sample){0};
    const uint64_t group = index / plan->prompts_per_system;
    const size_t pre = draw_item(plan, &plan->pre.partition, plan->pre.stream, split, group, plan->pre.what, err);
    if (pre == SIZE_MAX) return false;
    const size_t post = draw_item(plan, &plan->post.partition, plan->post.stream, split, group, plan->post.what, err);
    if (post == SIZE_MAX) return false;
    char *stem = tt_format(err, "%s %s", plan->pre.phrases.list[pre], plan->post.phrases.list[post]);
    const bool ok = stem && fill_sample(plan, split, index, stem, sample, err);
    free(stem);
    if (!ok) tt_sample_free(sample);
    return ok;
}

void tt_sample_free(tt_sample *sample) {
    for (size_t i = 0; i < sample->axis_count && sample->systems; i++)
        for (int side = 0; side < 2; side++) free(sample->systems[i][side]);
    free(sample->systems);
    free(sample->baseline);
    free(sample->pair_indices);
    free(sample->writing_prompt);
    *sample = (tt_sample){0};
}
