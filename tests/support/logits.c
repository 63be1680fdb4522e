/* logits.c: see logits.h */
#include "support/logits.h"
#include "base/memory.h"

#include <cmocka.h>
#include <llama.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char passage[] =
    "The harbour was still dark when the old pilot climbed down the ladder to his boat. He had known the river for forty "
    "years, its sandbanks and its moods, and he trusted neither. A thin rain fell on the water without a sound. Somewhere "
    "beyond the mole a bell rang twice, and the gulls, which had slept on the roofs of the warehouses, rose and complained. "
    "He loosened the rope, pushed the boat away from the wall with one foot, and sat down to row. The ship that waited for "
    "him outside was a stranger here, a tall grey freighter with a name he could not read, and her captain had asked for "
    "the best man there was. The pilot smiled at that. There was no other man; the others had gone to the cities long ago, "
    "to work in offices with windows that could not be opened. When he came out from behind the mole, the swell lifted the "
    "boat and set it down again, gently, as one puts down a child that has fallen asleep. He counted the strokes, as he had "
    "always done, and thought of the tide, which would turn within the hour, and of the letter in his pocket.";

/* The rows as libllama wants them: one long array that begins with layer 1. */
static void steer(struct llama_context *context, const tt_vector *vector) {
    float *rows = tt_alloc((size_t)(vector->layer_count - 1) * vector->width, sizeof *rows, NULL);
    assert_non_null(rows);
    for (uint32_t K = 1; K < vector->layer_count; K++) {
        if (vector->rows[K]) memcpy(rows + (size_t)(K - 1) * vector->width, vector->rows[K], vector->width * sizeof *rows);
    }
    assert_int_equal(llama_set_adapter_cvec(context, rows, (size_t)(vector->layer_count - 1) * vector->width,
                                            (int32_t)vector->width, 1, (int32_t)vector->layer_count - 1),
                     0);
    free(rows);
}

static test_logits read_passage(const struct llama_model *model, struct llama_context *context, size_t positions) {
    const struct llama_vocab *vocabulary = llama_model_get_vocab(model);
    llama_token tokens[sizeof passage];
    const int32_t count = llama_tokenize(vocabulary, passage, sizeof passage - 1, tokens, sizeof passage, true, false);
    if (count < (int32_t)positions) fail_msg("the passage has only %d tokens", count);
    struct llama_batch batch = llama_batch_init((int32_t)positions, 0, 1);
    batch.n_tokens = (int32_t)positions;
    for (size_t i = 0; i < positions; i++) {
        batch.token[i] = tokens[i];
        batch.pos[i] = (llama_pos)i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    assert_int_equal(llama_decode(context, batch), 0);
    llama_batch_free(batch);
    test_logits logits = {.positions = positions, .vocabulary = (size_t)llama_vocab_n_tokens(vocabulary)};
    logits.values = tt_alloc(positions * logits.vocabulary, sizeof *logits.values, NULL);
    assert_non_null(logits.values);
    memcpy(logits.values, llama_get_logits(context), positions * logits.vocabulary * sizeof *logits.values);
    return logits;
}

test_logits test_logits_compute(const char *path, size_t positions, bool exact, const tt_vector *vector) {
    struct llama_model *model = llama_model_load_from_file(path, llama_model_default_params());
    if (!model) fail_msg("libllama cannot load '%s'", path);
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = (uint32_t)positions;
    params.n_threads = params.n_threads_batch = 2;
    if (exact) {
        params.type_k = params.type_v = GGML_TYPE_F32;
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    }
    struct llama_context *context = llama_init_from_model(model, params);
    assert_non_null(context);
    if (vector) steer(context, vector);
    const test_logits logits = read_passage(model, context, positions);
    llama_free(context);
    llama_model_free(model);
    return logits;
}

/* The logarithm of what the exponentials of a position's logits add up to. */
static double log_sum(const float *logits, size_t count) {
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, (double)logits[i]);
    for (size_t i = 0; i < count; i++) sum += exp((double)logits[i] - most);
    return most + log(sum);
}

double test_logits_divergence(const test_logits *a, const test_logits *b) {
    double sum = 0;
    for (size_t n = 0; n < a->positions; n++) {
        const float *p = a->values + n * a->vocabulary, *q = b->values + n * b->vocabulary;
        const double p_all = log_sum(p, a->vocabulary), q_all = log_sum(q, b->vocabulary);
        for (size_t i = 0; i < a->vocabulary; i++) {
            const double log_p = (double)p[i] - p_all, log_q = (double)q[i] - q_all;
            sum += exp(log_p) * (log_p - log_q);
        }
    }
    return sum / (double)a->positions;
}

double test_logits_difference(const test_logits *a, const test_logits *b) {
    double largest = 0;
    for (size_t i = 0; i < a->positions * a->vocabulary; i++)
        largest = fmax(largest, fabs((double)a->values[i] - (double)b->values[i]));
    return largest;
}
