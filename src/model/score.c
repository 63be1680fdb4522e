/* score.c: see score.h */
#include "model/score.h"
#include "base/memory.h"
#include "model/reference.h"
#include "model/softmax.h"
#include "model/steered_batch.h"
#include "model/trie.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Tokens in the cache at once. Each token's attention runs over all of them, with other sequences' masked, so more of
     * them give fuller batches but costlier attention. */
    CELLS = 1024,
};

/* One response token: its log-probability is read at `node`, the token before it. */
struct question {
    uint32_t node;
    uint32_t text;
    int32_t token;
    uint32_t position; /* in the response */
};

struct tt_score {
    tt_model *model;
    tt_steered_batch batch;         /* for scoring: a text's log-likelihood does not depend on its place in the cache */
    tt_steered_batch reading_batch; /* for references: rounds differently (see tt_score_references) */
    uint64_t tokens;
};

/* Some of the texts as a tree. */
struct work {
    tt_trie trie;
    tt_tokens *whole;           /* [text]: prompt and response without its last token, after which no logits are needed */
    size_t count;               /* texts */
    struct question *questions; /* by node, ascending */
    size_t question_count;
    uint32_t **members; /* [node]: the texts through it */
    uint32_t *member_counts, *member_memory;
};

/* ==== The tree ==== */

static int by_node(const void *a, const void *b) {
    const struct question *x = a, *y = b;
    if (x->node != y->node) return x->node < y->node ? -1 : 1;
    return (x->text > y->text) - (x->text < y->text);
}

static bool join_texts(struct work *work, const tt_score_text *texts, tt_error *err) {
    for (size_t t = 0; t < work->count; t++) {
        const tt_tokens prompt = texts[t].prompt, response = texts[t].response;
        int32_t *ids = tt_alloc(prompt.count + response.count, sizeof *ids, err);
        if (!ids) return false;
        memcpy(ids, prompt.ids, prompt.count * sizeof *ids);
        memcpy(ids + prompt.count, response.ids, response.count * sizeof *ids);
        work->whole[t] = (tt_tokens){ids, prompt.count + response.count - 1};
    }
    return true;
}

/* Finds which texts go through each node, and where each response token is read. */
static bool index_tree(struct work *work, const tt_score_text *texts, tt_error *err) {
    const tt_trie *trie = &work->trie;
    size_t steps = 0, asked = 0;
    for (size_t t = 0; t < work->count; t++) {
        steps += work->whole[t].count;
        asked += texts[t].response.count;
    }
    work->members = tt_alloc(trie->count, sizeof *work->members, err);
    work->member_counts = tt_alloc(trie->count, sizeof *work->member_counts, err);
    work->member_memory = tt_alloc(steps, sizeof *work->member_memory, err);
    work->questions = tt_alloc(asked, sizeof *work->questions, err);
    if (!work->members || !work->member_counts || !work->member_memory || !work->questions) return false;

    for (size_t t = 0; t < work->count; t++)
        for (uint32_t node = trie->ends[t]; node != UINT32_MAX; node = trie->parents[node]) work->member_counts[node]++;
    size_t used = 0;
    for (size_t node = 0; node < trie->count; node++) {
        work->members[node] = work->member_memory + used;
        used += work->member_counts[node];
        work->member_counts[node] = 0;
    }
    for (size_t t = 0; t < work->count; t++) {
        const size_t first = texts[t].prompt.count - 1; /* the node where the response's first token is read */
        const int32_t *following = texts[t].response.ids;
        for (uint32_t node = trie->ends[t]; node != UINT32_MAX; node = trie->parents[node]) {
            const size_t depth = trie->depths[node];
            work->members[node][work->member_counts[node]++] = (uint32_t)t;
            if (depth >= first)
                work->questions[work->question_count++] =
                    (struct question){node, (uint32_t)t, following[depth - first], (uint32_t)(depth - first)};
        }
    }
    qsort(work->questions, work->question_count, sizeof *work->questions, by_node);
    return true;
}

static void work_free(struct work *work) {
    for (size_t t = 0; work->whole && t < work->count; t++) tt_tokens_free(&work->whole[t]);
    free(work->whole);
    free(work->questions);
    free(work->members);
    free(work->member_counts);
    free(work->member_memory);
    tt_trie_free(&work->trie);
}

static bool work_make(struct work *work, const tt_score_text *texts, size_t count, tt_error *err) {
    *work = (struct work){.count = count};
    work->whole = tt_alloc(count, sizeof *work->whole, err);
    if (work->whole && join_texts(work, texts, err) && tt_trie_build(&work->trie, work->whole, count, true, err) &&
        index_tree(work, texts, err))
        return true;
    work_free(work);
    return false;
}

/* ==== Decoding ==== */

tt_score *tt_score_open(tt_model *model, tt_error *err) {
    tt_score *score = tt_alloc(1, sizeof *score, err);
    if (!score) return NULL;
    score->model = model;
    score->batch.any_place = true;
    if (tt_steered_batch_open(&score->batch, model, err) && tt_steered_batch_open(&score->reading_batch, model, err))
        return score;
    tt_score_close(score);
    return NULL;
}

void tt_score_close(tt_score *score) {
    if (!score) return;
    tt_steered_batch_close(&score->batch);
    tt_steered_batch_close(&score->reading_batch);
    free(score);
}

uint64_t tt_score_tokens(const tt_score *score) { return score->tokens; }

/* Walks over all nodes of all steerings in batches; reads the logits after each. */
struct walk {
    tt_steered_batch *batch;
    const struct work *work;
    tt_steering *const *steerings;
    size_t steering_count, stride;  /* the latter: texts in a row of `log_likelihoods` */
    const tt_reference *references; /* [text], or NULL */
    double *log_likelihoods;        /* [steering][stride] */
    tt_reference *made;             /* [text]: filled instead; or NULL */
    size_t begin;                   /* the first node of the current batch, counted through all steerings */
};

static void answer(const struct walk *walk, const struct question *question, size_t steering, const float *logits,
                   size_t vocabulary, double normaliser) {
    if (walk->made) {
        tt_reference_fill(&walk->made[question->text], question->position, logits, vocabulary, normaliser);
        return;
    }
    walk->log_likelihoods[steering * walk->stride + question->text] +=
        walk->references ? tt_reference_expect(&walk->references[question->text], question->position, logits, normaliser)
                         : (double)logits[question->token] - normaliser;
}

static void read_answers(const struct walk *walk) {
    const struct work *work = walk->work;
    const size_t nodes = work->trie.count, vocabulary = (size_t)llama_vocab_n_tokens(walk->batch->model->vocabulary);
    size_t steering = walk->begin / nodes, node = walk->begin % nodes, next = 0;
    while (next < work->question_count && work->questions[next].node < node) next++;
    for (size_t i = 0; i < walk->batch->length; i++, node++) {
        if (node == nodes) {
            node = next = 0;
            steering++;
        }
        if (next == work->question_count || work->questions[next].node != node) continue;
        const float *logits = tt_steered_batch_logits(walk->batch, i);
        const double normaliser = tt_log_sum_exp(logits, vocabulary);
        for (; next < work->question_count && work->questions[next].node == node; next++)
            answer(walk, &work->questions[next], steering, logits, vocabulary, normaliser);
    }
}

static bool flush(tt_score *score, struct walk *walk, const atomic_bool *cancel, tt_error *err) {
    if (!tt_steered_batch_decode(walk->batch, cancel, err)) return false;
    read_answers(walk);
    score->tokens += walk->batch->length;
    walk->begin += walk->batch->length;
    tt_steered_batch_clear(walk->batch);
    return true;
}

static bool decode(tt_score *score, struct walk *walk, const atomic_bool *cancel, tt_error *err) {
    const struct work *work = walk->work;
    const tt_trie *trie = &work->trie;
    tt_steered_batch *batch = walk->batch;
    if (!tt_steered_batch_reserve(batch, trie->count * walk->steering_count, work->count * walk->steering_count, err))
        return false;
    for (size_t s = 0; s < walk->steering_count; s++) {
        size_t next = 0;
        for (size_t node = 0; node < trie->count; node++) {
            const bool asked = next < work->question_count && work->questions[next].node == node;
            while (next < work->question_count && work->questions[next].node == node) next++;
            tt_steered_batch_add(batch, trie->tokens[node], trie->depths[node], asked, walk->steerings[s]);
            for (size_t i = 0; i < work->member_counts[node]; i++)
                tt_steered_batch_join(batch, s * work->count + work->members[node][i]);
            if (tt_steered_batch_full(batch) && !flush(score, walk, cancel, err)) return false;
        }
    }
    return !batch->length || flush(score, walk, cancel, err);
}

static bool check_texts(const tt_score *score, const tt_score_text *texts, size_t count, tt_error *err) {
    const uint32_t context = score->model->facts.context;
    for (size_t t = 0; t < count; t++) {
        if (!texts[t].prompt.count || !texts[t].response.count)
            return tt_fail(err, TT_ERROR_INPUT,
                           "a text without any token in its prompt or in its response cannot be scored");
        const size_t length = texts[t].prompt.count + texts[t].response.count;
        if (context && length > context)
            return tt_fail(err, TT_ERROR_INPUT, "a text of %zu tokens is longer than the model's context of %u", length,
                           context);
    }
    return true;
}

/* The number of steerings that go through the model together. */
static size_t steerings_at_once(const tt_score *score, const struct work *work, size_t count) {
    if (score->model->facts.recurrent) return 1;
    const size_t by_cells = CELLS / work->trie.count, by_sequences = llama_max_parallel_sequences() / work->count;
    const size_t least = by_cells < by_sequences ? by_cells : by_sequences;
    return least < 1 ? 1 : least < count ? least : count;
}

/* All texts under all steerings; `walk` says what to do with the logits. */
static bool run(tt_score *score, const tt_score_text *texts, size_t text_count, size_t steering_count,
                const struct walk *whole, const atomic_bool *cancel, tt_error *err) {
    if (!check_texts(score, texts, text_count, err)) return false;
    /* A block with a recurrent state has one per sequence: then each text is computed separately. */
    const size_t step = score->model->facts.recurrent ? 1 : llama_max_parallel_sequences();
    bool ok = true;
    for (size_t first = 0; ok && first < text_count; first += step) {
        struct work work;
        if (!work_make(&work, texts + first, text_count - first < step ? text_count - first : step, err)) return false;
        const size_t group = steerings_at_once(score, &work, steering_count);
        for (size_t s = 0; ok && s < steering_count; s += group) {
            struct walk walk = {.batch = whole->batch,
                                .work = &work,
                                .steerings = whole->steerings + s,
                                .steering_count = steering_count - s < group ? steering_count - s : group,
                                .stride = text_count,
                                .references = whole->references ? whole->references + first : NULL,
                                .log_likelihoods =
                                    whole->log_likelihoods ? whole->log_likelihoods + s * text_count + first : NULL,
                                .made = whole->made ? whole->made + first : NULL};
            ok = decode(score, &walk, cancel, err);
        }
        work_free(&work);
    }
    return ok;
}

bool tt_score_run(tt_score *score, const tt_score_text *texts, const tt_reference *references, size_t text_count,
                  tt_steering *const *steerings, size_t steering_count, const atomic_bool *cancel, double *log_likelihoods,
                  tt_error *err) {
    for (size_t i = 0; i < text_count * steering_count; i++) log_likelihoods[i] = 0;
    const struct walk walk = {
        .batch = &score->batch, .steerings = steerings, .references = references, .log_likelihoods = log_likelihoods};
    return run(score, texts, text_count, steering_count, &walk, cancel, err);
}

bool tt_score_references(tt_score *score, const tt_score_text *texts, size_t text_count, const atomic_bool *cancel,
                         tt_reference *references, tt_error *err) {
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(score->model->vocabulary);
    bool ok = true;
    for (size_t t = 0; t < text_count; t++) references[t] = (tt_reference){0};
    for (size_t t = 0; ok && t < text_count; t++)
        ok = tt_reference_make(&references[t], texts[t].response.count, vocabulary, err);
    tt_steering *const none = NULL;
    const struct walk walk = {.batch = &score->reading_batch, .steerings = &none, .made = references};
    ok = ok && run(score, texts, text_count, 1, &walk, cancel, err);
    for (size_t t = 0; !ok && t < text_count; t++) tt_reference_free(&references[t]);
    return ok;
}
