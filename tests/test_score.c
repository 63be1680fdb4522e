/* test_score.c: scoring and writing under many steerings at once, against libllama's own way, one text and one control
 * vector at a time. The model is tiny, in F32 and without flash attention, so that both agree to rounding. */
#include "base/memory.h"
#include "base/random.h"
#include "model/continue.h"
#include "model/internal.h"
#include "model/score.h"
#include "model/softmax.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXTS = 6, STEERINGS = 5, UBATCH = 24, LENGTH = 12 };

static struct tt_open_model tiny;
static tt_model *model;
static uint32_t blocks, width;
static float *values; /* [STEERINGS][blocks][width] */
static float *rows[STEERINGS][64];
static tt_steering *steerings[STEERINGS]; /* the first is NULL */

/* Steering 0 adds nothing; 1 has a row at every block from 1 on; the others at some, the last block among them. */
static void make_steerings(void) {
    values = tt_alloc((size_t)STEERINGS * blocks * width, sizeof *values, NULL);
    assert_non_null(values);
    for (size_t s = 0; s < STEERINGS; s++) {
        for (uint32_t block = 0; block < blocks; block++) {
            float *row = values + (s * blocks + block) * width;
            for (uint32_t k = 0; k < width; k++) row[k] = (float)tt_random_below(7, s, block, k, 2001) / 1000.0F - 1.0F;
            const bool wanted = block > 0 && (s == 1 || (s == 2 && block == 1) || (s == 3 && block == blocks - 1) || s == 4);
            rows[s][block] = s && wanted ? row : NULL;
        }
        if (s == 4) rows[s][2] = NULL;
        const tt_steering_term term = {.rows = rows[s], .row_count = blocks, .width = width};
        if (s) assert_non_null(steerings[s] = tt_steering_make(model, &term, 1, NULL));
    }
}

static int set_up(void **state) {
    (void)state;
    tt_open_model_begin_exact(&tiny, UBATCH);
    model = tiny.model;
    blocks = model->facts.blocks;
    width = model->facts.width;
    make_steerings();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (size_t s = 0; s < STEERINGS; s++) tt_steering_release(steerings[s]);
    tt_open_model_end(&tiny);
    free(values);
    return 0;
}

static tt_tokens tokens_of(const char *text) {
    tt_tokens tokens;
    assert_true(tt_tokenize(model, text, strlen(text), &tokens, NULL));
    return tokens;
}

/* Texts that share a prompt, a beginning, a response, and nothing; responses of one token and of many. */
static void make_texts(tt_score_text texts[static TEXTS]) {
    static const char *const prompts[TEXTS] = {
        "You are a writer. Tell me", "You are a writer. Tell me",
        "You are a writer. Tell us", "Once upon a time there was a trim tab on a rudder",
        "You are a writer. Tell me", "A"};
    static const char *const responses[TEXTS] = {"of the sea and the ships",
                                                 "of the sea at night",
                                                 "of the sea and the ships",
                                                 "which turned the whole ship about",
                                                 "x",
                                                 "long story, told again and again and again"};
    for (size_t t = 0; t < TEXTS; t++) texts[t] = (tt_score_text){tokens_of(prompts[t]), tokens_of(responses[t])};
}

static void free_texts(tt_score_text texts[static TEXTS]) {
    for (size_t t = 0; t < TEXTS; t++) {
        tt_tokens_free(&texts[t].prompt);
        tt_tokens_free(&texts[t].response);
    }
}

/* ==== The peer ==== */

/* log(sum of exp) in F64 throughout, as the plain formula has it: logits of the tiny model are small. */
static double plain_log_sum_exp(const float *logits, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += exp((double)logits[i]);
    return log(sum);
}

static double log_probability(const float *logits, int32_t token) {
    return (double)logits[token] - plain_log_sum_exp(logits, (size_t)llama_vocab_n_tokens(model->vocabulary));
}

/* A context of libllama's with its own control vector in place. */
static struct llama_context *peer_context(size_t steering) {
    struct llama_context_params params = tt_context_params(model);
    params.n_ctx = params.n_batch = params.n_ubatch = 256;
    struct llama_context *context = tt_context_open(model, params, NULL);
    assert_non_null(context);
    float *data = tt_alloc((size_t)(blocks - 1) * width, sizeof *data, NULL);
    assert_non_null(data);
    for (uint32_t block = 1; block < blocks; block++)
        if (rows[steering][block]) memcpy(data + (size_t)(block - 1) * width, rows[steering][block], width * sizeof *data);
    assert_int_equal(
        llama_set_adapter_cvec(context, data, (size_t)(blocks - 1) * width, (int32_t)width, 1, (int32_t)blocks - 1), 0);
    free(data);
    return context;
}

/* What it gives for the token behind the prompt. */
static const float *peer_logits(struct llama_context *context, const tt_tokens *prompt) {
    assert_int_equal(llama_decode(context, llama_batch_get_one(prompt->ids, (int32_t)prompt->count)), 0);
    return llama_get_logits_ith(context, -1);
}

static double peer_score(const tt_score_text *text, size_t steering, double (*log_sum_exp)(const float *, size_t)) {
    struct llama_context *context = peer_context(steering);
    const size_t count = text->prompt.count + text->response.count - 1;
    struct llama_batch batch = llama_batch_init(256, 0, 1);
    batch.n_tokens = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        batch.token[i] = i < text->prompt.count ? text->prompt.ids[i] : text->response.ids[i - text->prompt.count];
        batch.pos[i] = (llama_pos)i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = i + 1 >= text->prompt.count;
    }
    assert_int_equal(llama_decode(context, batch), 0);
    double sum = 0;
    for (size_t i = 0; i < text->response.count; i++) {
        const float *logits = llama_get_logits_ith(context, (int32_t)(text->prompt.count - 1 + i));
        sum += (double)logits[text->response.ids[i]] - log_sum_exp(logits, (size_t)llama_vocab_n_tokens(model->vocabulary));
    }
    llama_batch_free(batch);
    llama_free(context);
    return sum;
}

/* ==== Scoring ==== */

static void equals_libllama_one_by_one(void **state) {
    (void)state;
    tt_score_text texts[TEXTS];
    make_texts(texts);
    tt_error err = {0};
    tt_score *score = tt_score_open(model, &err);
    assert_non_null(score);
    double sums[STEERINGS * TEXTS];
    assert_true(tt_score_run(score, texts, NULL, TEXTS, steerings, STEERINGS, NULL, sums, &err));
    double spread = 0;
    for (size_t s = 0; s < STEERINGS; s++)
        for (size_t t = 0; t < TEXTS; t++) {
            const double expected = peer_score(&texts[t], s, plain_log_sum_exp);
            assert_true(fabs(sums[s * TEXTS + t] - expected) < 1e-4 * fabs(expected));
            spread = fmax(spread, fabs(expected - sums[t]) / fabs(expected));
        }
    assert_true(spread > 0.01); /* the steerings do something, or the comparison above would mean nothing */
    /* What was shared is computed once. */
    size_t plain = 0;
    for (size_t t = 0; t < TEXTS; t++) plain += STEERINGS * (texts[t].prompt.count + texts[t].response.count - 1);
    assert_true(tt_score_tokens(score) < plain);
    tt_score_close(score);
    free_texts(texts);
}

/* More steerings than go through the model at once, and the same one at several places. */
static void does_not_depend_on_the_company(void **state) {
    (void)state;
    enum { MANY = 150 };
    tt_score_text texts[TEXTS];
    make_texts(texts);
    tt_score *score = tt_score_open(model, NULL);
    assert_non_null(score);
    tt_steering *many[MANY];
    for (size_t s = 0; s < MANY; s++) many[s] = steerings[s % STEERINGS];
    static double sums[MANY * 2], alone[2];
    assert_true(tt_score_run(score, texts + 2, NULL, 2, many, MANY, NULL, sums, NULL));
    for (size_t s = 0; s < MANY; s++) {
        if (s < STEERINGS) {
            assert_true(tt_score_run(score, texts + 2, NULL, 2, &many[s], 1, NULL, alone, NULL));
            for (size_t t = 0; t < 2; t++) assert_true(fabs(sums[s * 2 + t] - alone[t]) < 1e-5 * fabs(alone[t]));
        }
        for (size_t t = 0; t < 2; t++)
            assert_true(fabs(sums[s * 2 + t] - sums[s % STEERINGS * 2 + t]) < 1e-5 * fabs(sums[s * 2 + t]));
    }
    tt_score_close(score);
    free_texts(texts);
}

/* The model opened with other options, scores and texts of it; until `end_other` it is what all is asked of. */
static tt_score *begin_other(tt_model_options options, tt_score_text texts[static TEXTS]) {
    options.path = tiny.path;
    options.threads = 1;
    model = tt_model_open(tiny.engine, &options, NULL);
    assert_non_null(model);
    make_texts(texts);
    tt_score *score = tt_score_open(model, NULL);
    assert_non_null(score);
    return score;
}

static void end_other(tt_score *score, tt_score_text texts[static TEXTS]) {
    tt_score_close(score);
    free_texts(texts);
    tt_model_close(model);
    model = tiny.model;
}

/* With the program's own cache and flash attention a text's sum is the same to the bit wherever it is computed. */
static void does_not_depend_on_the_place_to_the_bit(void **state) {
    (void)state;
    enum { MANY = 20 };
    tt_score_text texts[TEXTS];
    tt_score *score = begin_other((tt_model_options){0}, texts);
    tt_steering *many[MANY];
    for (size_t s = 0; s < MANY; s++) many[s] = steerings[s % STEERINGS];
    static double sums[MANY * TEXTS], alone[STEERINGS * TEXTS];
    assert_true(tt_score_run(score, texts, NULL, TEXTS, many, MANY, NULL, sums, NULL));
    for (size_t s = 0; s < STEERINGS; s++)
        for (size_t t = 0; t < TEXTS; t++)
            assert_true(tt_score_run(score, &texts[t], NULL, 1, &steerings[s], 1, NULL, &alone[s * TEXTS + t], NULL));
    for (size_t i = 0; i < (size_t)MANY * TEXTS; i++) assert_true(sums[i] == alone[i % ((size_t)STEERINGS * TEXTS)]);
    end_other(score, texts);
}

/* With the very same batch the sum is libllama's own to the bit: the callback adds the rows where libllama does. */
static void equals_control_vector_to_the_bit(void **state) {
    (void)state;
    tt_score_text texts[TEXTS];
    tt_score *score = begin_other((tt_model_options){.ubatch = 256, .flash_attention_off = true, .f32_cache = true}, texts);
    for (size_t s = 1; s < STEERINGS; s++) {
        double sum;
        assert_true(tt_score_run(score, &texts[3], NULL, 1, &steerings[s], 1, NULL, &sum, NULL));
        assert_true(sum == peer_score(&texts[3], s, tt_log_sum_exp));
    }
    end_other(score, texts);
}

/* Minus the sum of a reference's entropies. */
static double own_expectation(const tt_reference *reference) {
    double sum = 0;
    for (size_t position = 0; position < reference->length; position++) {
        const float *probabilities = reference->probabilities + position * reference->width;
        double rest = 1;
        for (size_t i = 0; i < reference->width; i++) {
            const double probability = (double)probabilities[i];
            if (probability > 0) sum += probability * log(probability);
            rest -= probability;
        }
        if (rest > 0) sum += rest * log(rest);
    }
    return sum;
}

/* What is expected of a reference: its own entropy without steering, less under any steering; and the mean over draws. */
static void expects_what_draws_give_on_average(void **state) {
    (void)state;
    enum { DRAWS = 400, SHORT = 3 };
    tt_score_text texts[TEXTS];
    make_texts(texts);
    tt_score *score = tt_score_open(model, NULL);
    assert_non_null(score);
    tt_reference references[TEXTS];
    double expected[STEERINGS * TEXTS];
    assert_true(tt_score_references(score, texts, TEXTS, NULL, references, NULL));
    assert_true(tt_score_run(score, texts, references, TEXTS, steerings, STEERINGS, NULL, expected, NULL));
    for (size_t t = 0; t < TEXTS; t++) {
        assert_true(fabs(expected[t] - own_expectation(&references[t])) < 1e-3 * fabs(expected[t]));
        for (size_t s = 1; s < STEERINGS; s++) assert_true(expected[s * TEXTS + t] < expected[t]);
        tt_reference_free(&references[t]);
    }
    /* Responses drawn from the model: by their tokens and by their expectations the sums are the same on average. */
    static tt_continue_request requests[DRAWS];
    static tt_tokens responses[DRAWS];
    static tt_score_text drawn[DRAWS];
    static tt_reference from[DRAWS];
    static double by_token[DRAWS], by_expectation[DRAWS];
    for (size_t i = 0; i < DRAWS; i++) requests[i] = (tt_continue_request){texts[5].prompt, NULL, .stream = i};
    assert_true(
        tt_continue_run(model, requests, DRAWS, &(tt_continue_options){.length = SHORT, .seed = 1}, responses, NULL));
    for (size_t i = 0; i < DRAWS; i++) drawn[i] = (tt_score_text){texts[5].prompt, responses[i]};
    assert_true(tt_score_references(score, drawn, DRAWS, NULL, from, NULL));
    assert_true(tt_score_run(score, drawn, NULL, DRAWS, &steerings[1], 1, NULL, by_token, NULL));
    assert_true(tt_score_run(score, drawn, from, DRAWS, &steerings[1], 1, NULL, by_expectation, NULL));
    double difference = 0, square = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        difference += (by_token[i] - by_expectation[i]) / DRAWS;
        square += pow(by_token[i] - by_expectation[i], 2) / DRAWS;
        tt_reference_free(&from[i]);
        tt_tokens_free(&responses[i]);
    }
    assert_true(fabs(difference) < 4 * sqrt(square / DRAWS));
    tt_score_close(score);
    free_texts(texts);
}

static void refuses_what_cannot_be_scored(void **state) {
    (void)state;
    tt_score_text texts[TEXTS];
    make_texts(texts);
    tt_score *score = tt_score_open(model, NULL);
    assert_non_null(score);
    double sum;
    tt_error err = {0};
    const tt_score_text no_response = {texts[0].prompt, {0}}, no_prompt = {{0}, texts[0].response};
    assert_false(tt_score_run(score, &no_response, NULL, 1, steerings, 1, NULL, &sum, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    assert_false(tt_score_run(score, &no_prompt, NULL, 1, steerings, 1, NULL, &sum, &err));

    int32_t *ids = tt_alloc(5000, sizeof *ids, NULL);
    const tt_score_text too_long = {texts[0].prompt, {ids, 5000}};
    assert_false(tt_score_run(score, &too_long, NULL, 1, steerings, 1, NULL, &sum, &err));
    assert_non_null(strstr(err.message, "longer than the model's context"));
    free(ids);

    const atomic_bool cancel = true;
    assert_false(tt_score_run(score, texts, NULL, TEXTS, steerings, 1, &cancel, (double[TEXTS]){0}, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    /* and it can be used again */
    assert_true(tt_score_run(score, texts, NULL, 1, steerings, 1, NULL, &sum, &err));
    assert_true(isfinite(sum) && sum < 0);
    tt_score_close(score);
    free_texts(texts);
}

/* ==== Writing ==== */

static void requests_of(tt_continue_request requests[static TEXTS], const tt_score_text *texts) {
    for (size_t t = 0; t < TEXTS; t++)
        requests[t] = (tt_continue_request){texts[t].prompt, t && t < STEERINGS ? steerings[t] : NULL, .stream = 100 + t};
}

static void writes_the_same_alone_and_in_company(void **state) {
    (void)state;
    tt_score_text texts[TEXTS];
    make_texts(texts);
    tt_continue_request requests[TEXTS];
    requests_of(requests, texts);
    tt_tokens together[TEXTS], alone;
    tt_error err = {0};
    assert_true(
        tt_continue_run(model, requests, TEXTS, &(tt_continue_options){.length = LENGTH, .seed = 3}, together, &err));
    for (size_t t = 0; t < TEXTS; t++) {
        assert_uint_in_range(together[t].count, 1, LENGTH);
        assert_true(
            tt_continue_run(model, &requests[t], 1, &(tt_continue_options){.length = LENGTH, .seed = 3}, &alone, &err));
        assert_int_equal(alone.count, together[t].count);
        assert_memory_equal(alone.ids, together[t].ids, alone.count * sizeof *alone.ids);
        char *text = tt_detokenize(model, &alone, &err);
        assert_non_null(text);
        free(text);
        tt_tokens_free(&alone);
    }
    /* Another seed, another text. */
    assert_true(tt_continue_run(model, requests, 1, &(tt_continue_options){.length = LENGTH, .seed = 4}, &alone, &err));
    assert_true(alone.count != together[0].count ||
                memcmp(alone.ids, together[0].ids, alone.count * sizeof *alone.ids) != 0);
    tt_tokens_free(&alone);
    for (size_t t = 0; t < TEXTS; t++) tt_tokens_free(&together[t]);
    free_texts(texts);
}

/* Draws are from the model's distribution: over many streams the mean log-probability of the first token is minus the
 * distribution's entropy. */
static void draws_from_the_distribution(void **state) {
    (void)state;
    enum { DRAWS = 600 };
    tt_score_text texts[TEXTS];
    make_texts(texts);
    static tt_continue_request requests[DRAWS];
    static tt_tokens responses[DRAWS];
    for (size_t i = 0; i < DRAWS; i++) requests[i] = (tt_continue_request){texts[5].prompt, steerings[1], .stream = i};
    assert_true(tt_continue_run(model, requests, DRAWS, &(tt_continue_options){.length = 1, .seed = 11}, responses, NULL));

    const int32_t vocabulary = llama_vocab_n_tokens(model->vocabulary);
    struct llama_context *context = peer_context(1);
    const float *logits = peer_logits(context, &texts[5].prompt);
    double mean = 0, second = 0, sampled = 0;
    for (int32_t i = 0; i < vocabulary; i++) {
        const double l = log_probability(logits, i);
        mean += exp(l) * l;
        second += exp(l) * l * l;
    }
    for (size_t i = 0; i < DRAWS; i++) {
        sampled += log_probability(logits, responses[i].ids[0]) / DRAWS;
        tt_tokens_free(&responses[i]);
    }
    assert_true(fabs(sampled - mean) < 4 * sqrt((second - mean * mean) / DRAWS));
    llama_free(context);
    free_texts(texts);
}

/* With min_p, what is less likely than that share of the likeliest never comes; all the rest does. */
static void leaves_the_unlikely_out(void **state) {
    (void)state;
    enum { DRAWS = 200 };
    tt_score_text texts[TEXTS];
    make_texts(texts);
    static tt_continue_request requests[2 * DRAWS];
    static tt_tokens responses[2 * DRAWS];
    for (size_t i = 0; i < 2 * (size_t)DRAWS; i++)
        requests[i] = (tt_continue_request){texts[5].prompt, steerings[1], .stream = i, .min_p = i < DRAWS ? 1 : 0.7};
    assert_true(
        tt_continue_run(model, requests, 2 * DRAWS, &(tt_continue_options){.length = 1, .seed = 11}, responses, NULL));

    const int32_t vocabulary = llama_vocab_n_tokens(model->vocabulary);
    struct llama_context *context = peer_context(1);
    const float *logits = peer_logits(context, &texts[5].prompt);
    int32_t top = 0;
    for (int32_t i = 0; i < vocabulary; i++)
        if (logits[i] > logits[top]) top = i;
    bool others = false;
    for (size_t i = 0; i < 2 * (size_t)DRAWS; i++) {
        const int32_t drawn = responses[i].ids[0];
        const double share = exp((double)logits[drawn] - (double)logits[top]);
        assert_true(share >= (i < DRAWS ? 1 : 0.7) - 1e-3);
        others |= drawn != top;
        tt_tokens_free(&responses[i]);
    }
    assert_true(others);
    llama_free(context);
    free_texts(texts);
}

static void refuses_what_cannot_be_written(void **state) {
    (void)state;
    tt_score_text texts[TEXTS];
    make_texts(texts);
    tt_continue_request requests[TEXTS];
    requests_of(requests, texts);
    tt_tokens responses[TEXTS];
    tt_error err = {0};
    assert_false(tt_continue_run(model, requests, TEXTS, &(tt_continue_options){.length = 0, .seed = 1}, responses, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
    assert_false(
        tt_continue_run(model, requests, TEXTS, &(tt_continue_options){.length = 100000, .seed = 1}, responses, &err));
    assert_int_equal(err.kind, TT_ERROR_INPUT);
    const atomic_bool cancel = true;
    assert_false(tt_continue_run(model, requests, 3, &(tt_continue_options){.length = LENGTH, .seed = 1, .cancel = &cancel},
                                 responses, &err));
    assert_int_equal(err.kind, TT_ERROR_INTERRUPTED);
    for (size_t t = 0; t < 3; t++) assert_null(responses[t].ids);
    free_texts(texts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_libllama_one_by_one),
        cmocka_unit_test(does_not_depend_on_the_company),
        cmocka_unit_test(does_not_depend_on_the_place_to_the_bit),
        cmocka_unit_test(equals_control_vector_to_the_bit),
        cmocka_unit_test(expects_what_draws_give_on_average),
        cmocka_unit_test(refuses_what_cannot_be_scored),
        cmocka_unit_test(writes_the_same_alone_and_in_company),
        cmocka_unit_test(draws_from_the_distribution),
        cmocka_unit_test(leaves_the_unlikely_out),
        cmocka_unit_test(refuses_what_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
