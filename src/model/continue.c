/* continue.c: see continue.h */
#include "model/continue.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/softmax.h"
#include "model/steered_batch.h"

#include <math.h>
#include <stdlib.h>

enum { CELLS = 1536 }; /* tokens in the cache at once: attention runs over all of them for every sequence (see score.c) */

struct writer {
    tt_steered_batch batch;
    const tt_continue_request *requests;
    tt_tokens *responses;
    size_t count, length; /* requests of this group; tokens each */
    uint64_t seed;
    bool *ended;
};

/* The logit below which `request` draws no tokens. */
static double least_logit(const struct writer *writer, const float *logits, size_t vocabulary, size_t request) {
    const double min_p = writer->requests[request].min_p;
    if (min_p <= 0) return -INFINITY;
    float top = -INFINITY;
    for (size_t i = 0; i < vocabulary; i++)
        if (logits[i] > top) top = logits[i];
    return top + log(min_p);
}

/* Draws a token: the inverse cumulative distribution at a uniform number. */
static int32_t draw(const struct writer *writer, const float *logits, size_t request) {
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(writer->batch.model->vocabulary);
    const double least = least_logit(writer, logits, vocabulary, request), all = tt_log_sum_exp(logits, vocabulary);
    const uint64_t bits =
        tt_random_bits(writer->seed, writer->requests[request].stream, writer->responses[request].count, 0);
    double drawable = 1; /* the total of the tokens that may be drawn */
    if (least > -INFINITY) {
        drawable = 0;
        for (size_t i = 0; i < vocabulary; i++)
            if (logits[i] >= least) drawable += exp((double)logits[i] - all);
    }
    const double wanted = (double)(bits >> 11) * 0x1p-53 * drawable;
    double sum = 0;
    size_t last = 0;
    for (size_t i = 0; i < vocabulary; i++) {
        const double probability = logits[i] >= least ? exp((double)logits[i] - all) : 0;
        if (probability <= 0) continue;
        sum += probability;
        last = i;
        if (sum > wanted) break;
    }
    return (int32_t)last;
}

static void take(struct writer *writer, const float *logits, size_t request) {
    tt_tokens *response = &writer->responses[request];
    const int32_t token = draw(writer, logits, request);
    response->ids[response->count++] = token;
    writer->ended[request] = response->count == writer->length || llama_vocab_is_eog(writer->batch.model->vocabulary, token);
}

/* Feeds one prompt, and draws its first token. */
static bool feed_prompt(struct writer *writer, size_t request, const atomic_bool *cancel, tt_error *err) {
    tt_steered_batch *batch = &writer->batch;
    const tt_tokens prompt = writer->requests[request].prompt;
    for (size_t i = 0; i < prompt.count; i++) {
        tt_steered_batch_add(batch, prompt.ids[i], i, i + 1 == prompt.count, writer->requests[request].steering);
        tt_steered_batch_join(batch, request);
        if (i + 1 < prompt.count && !tt_steered_batch_full(batch)) continue;
        if (!tt_steered_batch_decode(batch, cancel, err)) return false;
        if (i + 1 == prompt.count) take(writer, tt_steered_batch_logits(batch, batch->length - 1), request);
        tt_steered_batch_clear(batch);
    }
    return true;
}

/* One step: every unfinished response gets its next token. `*more` is false if there is none. */
static bool step(struct writer *writer, const atomic_bool *cancel, bool *more, tt_error *err) {
    tt_steered_batch *batch = &writer->batch;
    size_t first = 0, request = 0;
    *more = false;
    while (request < writer->count) {
        for (first = request; request < writer->count && !tt_steered_batch_full(batch); request++) {
            if (writer->ended[request]) continue;
            const tt_tokens *response = &writer->responses[request];
            tt_steered_batch_add(batch, response->ids[response->count - 1],
                                 writer->requests[request].prompt.count + response->count - 1, true,
                                 writer->requests[request].steering);
            tt_steered_batch_join(batch, request);
        }
        if (!batch->length) break;
        *more = true;
        if (!tt_steered_batch_decode(batch, cancel, err)) return false;
        size_t row = 0;
        for (size_t i = first; i < request; i++)
            if (!writer->ended[i]) take(writer, tt_steered_batch_logits(batch, row++), i);
        tt_steered_batch_clear(batch);
    }
    return true;
}

static bool write_group(struct writer *writer, size_t cells, const atomic_bool *cancel, tt_error *err) {
    if (!tt_steered_batch_reserve(&writer->batch, cells, writer->count, err)) return false;
    for (size_t i = 0; i < writer->count; i++) {
        writer->ended[i] = false;
        writer->responses[i].ids = tt_alloc(writer->length, sizeof(int32_t), err);
        if (!writer->responses[i].ids || !feed_prompt(writer, i, cancel, err)) return false;
    }
    for (bool more = true; more;)
        if (!step(writer, cancel, &more, err)) return false;
    return true;
}

/* As many requests, from the first on, as fit into the cache together. */
static size_t group_size(const tt_model *model, const tt_continue_request *requests, size_t count, size_t length,
                         size_t *cells) {
    const size_t most = model->facts.recurrent ? 1 : llama_max_parallel_sequences();
    size_t size = 0;
    *cells = 0;
    while (size < count && size < most && (!size || *cells + requests[size].prompt.count + length <= CELLS))
        *cells += requests[size++].prompt.count + length;
    return size;
}

static bool check_requests(const tt_model *model, const tt_continue_request *requests, size_t count, size_t length,
                           tt_error *err) {
    if (!length) return tt_fail(err, TT_ERROR_USAGE, "a response needs at least one token");
    for (size_t i = 0; i < count; i++) {
        if (!requests[i].prompt.count) return tt_fail(err, TT_ERROR_INPUT, "a prompt without any token cannot be continued");
        if (model->facts.context && requests[i].prompt.count + length > model->facts.context)
            return tt_fail(err, TT_ERROR_INPUT,
                           "a prompt of %zu tokens and a response of %zu do not fit the model's context of %u",
                           requests[i].prompt.count, length, model->facts.context);
    }
    return true;
}

bool tt_continue_run(tt_model *model, const tt_continue_request *requests, size_t count, size_t length, uint64_t seed,
                     const atomic_bool *cancel, tt_tokens *responses, tt_error *err) {
    for (size_t i = 0; i < count; i++) responses[i] = (tt_tokens){0};
    if (!check_requests(model, requests, count, length, err)) return false;
    struct writer writer = {.length = length, .seed = seed};
    writer.ended = tt_alloc(count, sizeof *writer.ended, err);
    bool ok = writer.ended && tt_steered_batch_open(&writer.batch, model, err);
    for (size_t first = 0; ok && first < count; first += writer.count) {
        size_t cells;
        writer.count = group_size(model, requests + first, count - first, length, &cells);
        writer.requests = requests + first;
        writer.responses = responses + first;
        ok = write_group(&writer, cells, cancel, err);
    }
    for (size_t i = 0; !ok && i < count; i++) tt_tokens_free(&responses[i]);
    tt_steered_batch_close(&writer.batch);
    free(writer.ended);
    return ok;
}

char *tt_detokenize(const tt_model *model, const tt_tokens *tokens, tt_error *err) {
    const int32_t count = (int32_t)tokens->count;
    const int32_t needed = -llama_detokenize(model->vocabulary, tokens->ids, count, NULL, 0, true, false);
    char *text = tt_alloc((size_t)(needed > 0 ? needed : 0) + 1, 1, err);
    if (text && needed > 0) llama_detokenize(model->vocabulary, tokens->ids, count, text, needed, true, false);
    return text;
}
