/* continue.c: see continue.h */
#include "model/continue.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/random.h"
#include "model/internal.h"
#include "model/slots.h"
#include "model/softmax.h"

#include <math.h>
#include <stdlib.h>

/* Conversations at once: with more of them, a step takes longer in proportion. */
enum { SLOTS = 32, NONE = -1 };

struct writer {
    tt_model *model;
    const tt_continue_request *requests;
    const tt_continue_options *options;
    tt_tokens *responses;
    size_t count, next; /* requests; the first that has not begun */
    tt_slots *slots;
    int64_t writes[SLOTS]; /* [slot]: the request, or NONE */
    uint64_t written;
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
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(writer->model->vocabulary);
    const double least = least_logit(writer, logits, vocabulary, request), all = tt_log_sum_exp(logits, vocabulary);
    const uint64_t bits =
        tt_random_bits(writer->options->seed, writer->requests[request].stream, writer->responses[request].count, 0);
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

static bool begin_next(struct writer *writer, tt_error *err) {
    const size_t request = writer->next++;
    uint32_t slot;
    size_t reused;
    if (!tt_slots_begin(writer->slots, &writer->requests[request].prompt, writer->requests[request].steering, &slot, &reused,
                        err))
        return false;
    writer->writes[slot] = (int64_t)request;
    writer->responses[request].ids = tt_alloc(writer->options->length, sizeof(int32_t), err);
    return writer->responses[request].ids != NULL;
}

/* The slot's next token, where its logits are there; at the end of the response the slot is free again. */
static void take(struct writer *writer, uint32_t slot) {
    const float *logits = writer->writes[slot] == NONE ? NULL : tt_slots_logits(writer->slots, slot);
    if (!logits) return;
    const size_t request = (size_t)writer->writes[slot];
    tt_tokens *response = &writer->responses[request];
    const int32_t token = draw(writer, logits, request);
    response->ids[response->count++] = token;
    writer->written++;
    if (response->count < writer->options->length && !llama_vocab_is_eog(writer->model->vocabulary, token) &&
        tt_slots_push(writer->slots, slot, token))
        return;
    tt_slots_end(writer->slots, slot);
    writer->writes[slot] = NONE;
}

static bool write_all(struct writer *writer, tt_error *err) {
    for (size_t i = 0; i < SLOTS; i++) writer->writes[i] = NONE;
    tt_slots_watch(writer->slots, writer->options->cancel);
    for (;;) {
        while (writer->next < writer->count && tt_slots_busy(writer->slots) < tt_slots_count(writer->slots))
            if (!begin_next(writer, err)) return false;
        if (!tt_slots_busy(writer->slots)) return true;
        if (!tt_slots_step(writer->slots, err)) return false;
        for (uint32_t slot = 0; slot < tt_slots_count(writer->slots); slot++) take(writer, slot);
        if (writer->options->told) writer->options->told(writer->options->told_data, writer->written);
    }
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

bool tt_continue_run(tt_model *model, const tt_continue_request *requests, size_t count, const tt_continue_options *options,
                     tt_tokens *responses, tt_error *err) {
    for (size_t i = 0; i < count; i++) responses[i] = (tt_tokens){0};
    if (!check_requests(model, requests, count, options->length, err)) return false;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (requests[i].prompt.count > longest) longest = requests[i].prompt.count;
    struct writer writer = {
        .model = model, .requests = requests, .options = options, .responses = responses, .count = count};
    const size_t most = tt_smaller(SLOTS, tt_model_ubatch(model));
    const tt_slots_options room = {.slots = (uint32_t)tt_smaller(count, most),
                                   .context = (uint32_t)(longest + options->length)};
    writer.slots = count ? tt_slots_open(model, &room, err) : NULL;
    const bool ok = !count || (writer.slots && write_all(&writer, err));
    for (size_t i = 0; !ok && i < count; i++) tt_tokens_free(&responses[i]);
    tt_slots_close(writer.slots);
    return ok;
}

char *tt_detokenize(const tt_model *model, const tt_tokens *tokens, tt_error *err) {
    const int32_t count = (int32_t)tokens->count;
    const int32_t needed = -llama_detokenize(model->vocabulary, tokens->ids, count, NULL, 0, true, false);
    char *text = tt_alloc((size_t)(needed > 0 ? needed : 0) + 1, 1, err);
    if (text && needed > 0) llama_detokenize(model->vocabulary, tokens->ids, count, text, needed, true, false);
    return text;
}
