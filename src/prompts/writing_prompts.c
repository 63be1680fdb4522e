/* writing_prompts.c: see writing_prompts.h */
#include "prompts/writing_prompts.h"
#include "base/memory.h"
#include "base/plain.h"
#include "base/random.h"
#include "prompts/builtin.h"
#include "prompts/grammar.h"
#include "prompts/prompt_lines.h"
#include "prompts/source.h"

#include <stdlib.h>
#include <string.h>

/* A draw that falls into the other split is repeated at most this often. */
enum { ATTEMPTS = 20000 };

struct tt_writing_prompts {
    tt_grammar *grammar; /* one of these two */
    tt_prompt_lines *lines;
    char *name;     /* for messages */
    double share;   /* the share to hold out */
    uint64_t bound; /* prompts with a smaller key are held out; 0: none */
    char hash[TT_HASH_TEXT];
};

void tt_writing_prompts_free(tt_writing_prompts *prompts) {
    if (!prompts) return;
    tt_grammar_free(prompts->grammar);
    tt_prompt_lines_free(prompts->lines);
    free(prompts->name);
    free(prompts);
}

static bool use_grammar(tt_writing_prompts *prompts, const char *json, size_t length, tt_error *err) {
    prompts->grammar = tt_grammar_parse(prompts->name, json, length, err);
    if (!prompts->grammar) return false;
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, json, length);
    tt_hash_end(&hash, prompts->hash);
    if (tt_grammar_count(prompts->grammar) >= TT_PARTITION_LEAST)
        prompts->bound = tt_partition_bound(prompts->share, 0, UINT64_MAX);
    return true;
}

static bool load_grammar(tt_writing_prompts *prompts, const char *file, tt_error *err) {
    size_t length;
    char *json = tt_plain_read(file, TT_SOURCE_LIMIT, NULL, &length, err);
    const bool ok = json && use_grammar(prompts, json, length, err);
    free(json);
    return ok;
}

static bool load_lines(tt_writing_prompts *prompts, const char *file, const atomic_bool *cancel, tt_error *err) {
    prompts->lines = tt_prompt_lines_open(file, cancel, err);
    if (!prompts->lines) return false;
    const tt_prompt_lines_facts *facts = tt_prompt_lines_facts_of(prompts->lines);
    memcpy(prompts->hash, facts->hash, sizeof prompts->hash);
    if (facts->count >= TT_PARTITION_LEAST)
        prompts->bound = tt_partition_bound(prompts->share, facts->least, facts->greatest);
    return true;
}

static bool load(tt_writing_prompts *prompts, const char *file, const atomic_bool *cancel, tt_error *err) {
    const tt_builtin *builtin = tt_builtin_writing_prompts();
    prompts->name = tt_strdup(file ? file : builtin->file, err);
    if (!prompts->name) return false;
    if (!file) return use_grammar(prompts, builtin->bytes, builtin->length, err);
    const size_t length = strlen(file);
    const bool is_json = length > 5 && strcmp(file + length - 5, ".json") == 0;
    return is_json ? load_grammar(prompts, file, err) : load_lines(prompts, file, cancel, err);
}

tt_writing_prompts *tt_writing_prompts_load(const char *file, double held_out, const atomic_bool *cancel, tt_error *err) {
    tt_writing_prompts *prompts = tt_alloc(1, sizeof *prompts, err);
    if (!prompts) return NULL;
    prompts->share = held_out;
    if (load(prompts, file, cancel, err)) return prompts;
    tt_writing_prompts_free(prompts);
    return NULL;
}

const char *tt_writing_prompts_hash(const tt_writing_prompts *prompts) { return prompts->hash; }

static char *draw_once(const tt_writing_prompts *prompts, uint64_t key, tt_error *err) {
    if (prompts->grammar) return tt_grammar_expand(prompts->grammar, key, err);
    const uint64_t count = tt_prompt_lines_facts_of(prompts->lines)->count;
    return tt_prompt_lines_read(prompts->lines, tt_random_below(key, 0, 0, 0, count), err);
}

/* After that many misses: for a file, the one line known to be in the split. */
static char *draw_last_resort(const tt_writing_prompts *prompts, tt_split split, tt_error *err) {
    if (prompts->lines) {
        const tt_prompt_lines_facts *facts = tt_prompt_lines_facts_of(prompts->lines);
        return tt_prompt_lines_read(prompts->lines, split == TT_SPLIT_HELD_OUT ? facts->least_at : facts->greatest_at, err);
    }
    tt_fail(err, TT_ERROR_INPUT, "%s: no %s prompt came up in %d draws; %s", prompts->name,
            split == TT_SPLIT_HELD_OUT ? "held-out" : "training", ATTEMPTS,
            split == TT_SPLIT_HELD_OUT ? "add alternatives, or hold out a larger share"
                                       : "add alternatives, or hold out a smaller share");
    return NULL;
}

char *tt_writing_prompts_draw(const tt_writing_prompts *prompts, tt_split split, uint64_t seed, uint64_t index,
                              tt_error *err) {
    if (split == TT_SPLIT_HELD_OUT && !prompts->bound) {
        tt_fail(err, TT_ERROR_INPUT, "%s: no writing prompts are held out of training; %s", prompts->name,
                prompts->share > 0 ? "it needs at least 4 different ones" : "choose a held-out share above 0");
        return NULL;
    }
    const uint64_t stream = tt_random_stream("writing prompt") + split;
    for (uint64_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        char *text = draw_once(prompts, tt_random_bits(seed, stream, index, attempt), err);
        if (!text) return NULL;
        const tt_split found = tt_partition_key(text) < prompts->bound ? TT_SPLIT_HELD_OUT : TT_SPLIT_TRAINING;
        if (*text && found == split) return text;
        free(text);
    }
    return draw_last_resort(prompts, split, err);
}
