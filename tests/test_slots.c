/* test_slots.c: conversations computed together, each steered on its own, against libllama's own control vector, one
 * conversation at a time. The model is tiny, in F32 and without flash attention, so that both agree to rounding. */
#include "base/memory.h"
#include "base/random.h"
#include "model/internal.h"
#include "model/slots.h"
#include "support/open_model.h"

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 5, STEERINGS = 4, UBATCH = 24, ROOM = 256, ANSWER = 9 };

static struct tt_open_model tiny;
static tt_model *model;
static uint32_t blocks, width;
static float *values; /* [STEERINGS][blocks][width] */
static float *rows[STEERINGS][64];
static tt_steering *steerings[STEERINGS];

/* Steering 0 is none; 1 has a row at every block from 1 on; 2 at the first and 3 at the last block alone. */
static void make_steerings(void) {
    values = tt_alloc((size_t)STEERINGS * blocks * width, sizeof *values, NULL);
    assert_non_null(values);
    for (uint32_t s = 1; s < STEERINGS; s++) {
        for (uint32_t K = 1; K < blocks; K++) {
            float *row = values + ((size_t)s * blocks + K) * width;
            for (uint32_t i = 0; i < width; i++) row[i] = (float)tt_random_below(5, s, K, i, 2001) / 1000.0F - 1.0F;
            if (s == 1 || (s == 2 && K == 1) || (s == 3 && K == blocks - 1)) rows[s][K] = row;
        }
        steerings[s] =
            tt_steering_make(model, &(tt_steering_term){.rows = rows[s], .row_count = blocks, .width = width}, 1, NULL);
        assert_non_null(steerings[s]);
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
    free(values);
    tt_open_model_end(&tiny);
    return 0;
}

/* ==== libllama's own way ==== */

static int32_t likeliest(const float *logits) {
    int32_t best = 0;
    for (int32_t i = 1; i < llama_vocab_n_tokens(model->vocabulary); i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

/* What the model answers to `prompt` under steering s: ANSWER tokens, and the logits behind each. */
static void answer_alone(const tt_tokens *prompt, size_t s, int32_t *answer, float *logits) {
    struct llama_context_params params = tt_context_params(model);
    params.n_ctx = ROOM;
    struct llama_context *context = tt_context_open(model, params, NULL);
    assert_non_null(context);
    const size_t size = (size_t)(blocks - 1) * width;
    if (s) {
        float *joined = tt_alloc(size, sizeof *joined, NULL);
        for (uint32_t K = 1; K < blocks; K++)
            if (rows[s][K]) memcpy(joined + (size_t)(K - 1) * width, rows[s][K], width * sizeof *joined);
        assert_int_equal(llama_set_adapter_cvec(context, joined, size, (int32_t)width, 1, (int32_t)blocks - 1), 0);
        free(joined);
    }
    assert_int_equal(llama_decode(context, llama_batch_get_one(prompt->ids, (int32_t)prompt->count)), 0);
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(model->vocabulary);
    for (size_t i = 0; i < ANSWER; i++) {
        memcpy(logits + i * vocabulary, llama_get_logits_ith(context, -1), vocabulary * sizeof *logits);
        answer[i] = likeliest(logits + i * vocabulary);
        assert_int_equal(llama_decode(context, llama_batch_get_one(&answer[i], 1)), 0);
    }
    llama_free(context);
}

/* ==== The same in slots ==== */

typedef struct talk {
    size_t prompt_length, steering, begins; /* `begins`: with which step */
    size_t ends;                            /* after so many tokens; 0: after ANSWER */
    tt_tokens prompt;
    int32_t answer[ANSWER];
    float *logits; /* ANSWER x vocabulary */
    bool running, done;
    uint32_t slot;
    size_t reused, written;
} talk;

static void make_prompt(talk *t, uint64_t seed) {
    t->prompt.count = t->prompt_length;
    t->prompt.ids = tt_alloc(t->prompt_length, sizeof *t->prompt.ids, NULL);
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(model->vocabulary);
    for (size_t i = 0; i < t->prompt_length; i++) t->prompt.ids[i] = (int32_t)tt_random_below(seed, 3, i, 0, vocabulary);
    t->logits = tt_alloc(ANSWER * vocabulary, sizeof *t->logits, NULL);
}

static void free_talk(talk *t) {
    free(t->prompt.ids);
    free(t->logits);
}

/* Chooses what each conversation that has logits says next. */
static void talk_on(tt_slots *slots, talk *talks, size_t count) {
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(model->vocabulary);
    for (size_t i = 0; i < count; i++) {
        talk *t = &talks[i];
        const float *logits = t->running ? tt_slots_logits(slots, t->slot) : NULL;
        if (!logits) continue;
        memcpy(t->logits + t->written * vocabulary, logits, vocabulary * sizeof *logits);
        t->answer[t->written++] = likeliest(logits);
        if (t->written == (t->ends ? t->ends : ANSWER)) {
            tt_slots_end(slots, t->slot);
            t->running = false;
            t->done = true;
        } else {
            assert_true(tt_slots_push(slots, t->slot, t->answer[t->written - 1]));
        }
    }
}

static void run_talks(tt_slots *slots, talk *talks, size_t count) {
    size_t left = count;
    for (size_t step = 0; left; step++) {
        assert_true(step < 1000);
        for (size_t i = 0; i < count; i++) {
            talk *t = &talks[i];
            if (t->running || t->done || t->begins > step || tt_slots_busy(slots) == tt_slots_count(slots)) continue;
            tt_error err = {0};
            if (!tt_slots_begin(slots, &t->prompt, steerings[t->steering], &t->slot, &t->reused, &err))
                fail_msg("%s", err.message);
            t->running = true;
        }
        tt_error err = {0};
        if (!tt_slots_step(slots, &err)) fail_msg("%s", err.message);
        talk_on(slots, talks, count);
        left = 0;
        for (size_t i = 0; i < count; i++) left += !talks[i].done;
    }
}

static void compare_with_alone(const talk *t) {
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(model->vocabulary);
    int32_t answer[ANSWER];
    float *logits = tt_alloc(ANSWER * vocabulary, sizeof *logits, NULL);
    answer_alone(&t->prompt, t->steering, answer, logits);
    for (size_t i = 0; i < t->written; i++) {
        for (size_t k = 0; k < vocabulary; k++)
            if (fabsf(logits[i * vocabulary + k] - t->logits[i * vocabulary + k]) > 2e-4F)
                fail_msg("steering %zu, token %zu, logit %zu: %g alone, %g in slot %u", t->steering, i, k,
                         (double)logits[i * vocabulary + k], (double)t->logits[i * vocabulary + k], t->slot);
        assert_int_equal(answer[i], t->answer[i]);
    }
    free(logits);
}

static tt_slots *open_slots(uint32_t count) {
    tt_error err = {0};
    tt_slots *slots = tt_slots_open(model, &(tt_slots_options){.slots = count, .context = ROOM, .chunk = 10}, &err);
    if (!slots) fail_msg("%s", err.message);
    return slots;
}

/* ==== Tests ==== */

/* Prompts shorter and longer than a micro-batch, begun at different times, some ended early so that gaps arise. */
static void test_together_as_alone(void **state) {
    (void)state;
    talk talks[] = {
        {.prompt_length = 7, .steering = 1},
        {.prompt_length = 7, .steering = 0, .ends = 2},
        {.prompt_length = 60, .steering = 2},
        {.prompt_length = 1, .steering = 3, .begins = 1},
        {.prompt_length = 31, .steering = 1, .begins = 2},
        {.prompt_length = 12, .steering = 0, .begins = 3},
        {.prompt_length = 25, .steering = 2, .begins = 5, .ends = 1},
        {.prompt_length = 9, .steering = 3, .begins = 5},
    };
    const size_t count = sizeof talks / sizeof *talks;
    for (size_t i = 0; i < count; i++) make_prompt(&talks[i], i);
    tt_slots *slots = open_slots(SLOTS);
    run_talks(slots, talks, count);
    assert_int_equal(tt_slots_busy(slots), 0);
    for (size_t i = 0; i < count; i++) {
        compare_with_alone(&talks[i]);
        free_talk(&talks[i]);
    }
    tt_slots_close(slots);
}

static void run_one(tt_slots *slots, talk *t, uint64_t seed, size_t prompt_length, size_t steering) {
    *t = (talk){.prompt_length = prompt_length, .steering = steering};
    make_prompt(t, seed);
    run_talks(slots, t, 1);
    compare_with_alone(t);
    free_talk(t);
}

static void test_reuse_needs_same_steering(void **state) {
    (void)state;
    tt_slots *slots = open_slots(1);
    talk t;
    run_one(slots, &t, 1, 40, 1);
    assert_int_equal(t.reused, 0);
    run_one(slots, &t, 1, 40, 1);
    assert_int_equal(t.reused, 39);
    run_one(slots, &t, 1, 30, 1); /* a shorter beginning of it */
    assert_int_equal(t.reused, 29);
    run_one(slots, &t, 1, 40, 2); /* the same words with another mix */
    assert_int_equal(t.reused, 0);
    run_one(slots, &t, 1, 40, 0);
    assert_int_equal(t.reused, 0);
    run_one(slots, &t, 1, 50, 0); /* the random prompts of a seed begin alike */
    assert_int_equal(t.reused, 40);
    assert_int_equal(tt_slots_counts_of(slots).reused_tokens, 39 + 29 + 40);
    tt_slots_close(slots);
}

/* Where all want the same for long, libllama itself adds it: nothing changes for them, or for one who then wants another. */
static void test_common_steering_settles(void **state) {
    (void)state;
    enum { ROUNDS = 6, TOGETHER = 2 };
    tt_slots *slots = open_slots(SLOTS);
    uint64_t settled = 0, decodes = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        talk talks[TOGETHER] = {{.prompt_length = 9, .steering = 1}, {.prompt_length = 9, .steering = 1}};
        for (size_t i = 0; i < TOGETHER; i++) make_prompt(&talks[i], 100 * round + i);
        run_talks(slots, talks, TOGETHER);
        for (size_t i = 0; i < TOGETHER; i++) {
            compare_with_alone(&talks[i]);
            free_talk(&talks[i]);
        }
        const tt_slots_counts counts = tt_slots_counts_of(slots);
        settled = counts.settled_decodes;
        decodes = counts.decodes;
        assert_true(decodes >= settled + 8); /* not at once */
    }
    assert_true(settled > decodes / 2);
    talk other;
    run_one(slots, &other, 1000, 9, 2); /* another one: begins anew */
    tt_slots_counts counts = tt_slots_counts_of(slots);
    assert_true(counts.decodes - decodes >= counts.settled_decodes - settled + 8);
    run_one(slots, &other, 1001, 9, 2);
    run_one(slots, &other, 1002, 9, 0); /* not steered: there is nothing to add, so nothing to wait for */
    settled = counts.settled_decodes;
    decodes = counts.decodes;
    counts = tt_slots_counts_of(slots);
    assert_true(counts.settled_decodes - settled >= counts.decodes - decodes - 8);
    tt_slots_close(slots);
}

/* A conversation that begins as a running one did copies that one's states instead of computing them. */
static void test_copy_from_another_slot(void **state) {
    (void)state;
    talk talks[] = {
        {.prompt_length = 110, .steering = 1},
        {.prompt_length = 120, .steering = 1, .begins = 14},
        {.prompt_length = 120, .steering = 2, .begins = 14},
    };
    for (size_t i = 0; i < 3; i++) make_prompt(&talks[i], 1);
    tt_slots *slots = open_slots(SLOTS);
    run_talks(slots, talks, 3);
    assert_int_equal(talks[0].reused, 0);
    assert_uint_in_range(talks[1].reused, 109, 110);
    assert_int_equal(talks[2].reused, 0);
    for (size_t i = 0; i < 3; i++) {
        compare_with_alone(&talks[i]);
        free_talk(&talks[i]);
    }
    tt_slots_close(slots);
}

/* Begins a talk whose prompt starts with `shared` tokens of the prompt of `seed` and goes on with others. */
static void begin_like(tt_slots *slots, talk *t, uint64_t seed, size_t shared, size_t length, size_t steering) {
    *t = (talk){.prompt_length = length, .steering = steering, .running = true};
    make_prompt(t, seed);
    const int32_t vocabulary = llama_vocab_n_tokens(model->vocabulary);
    for (size_t i = shared; i < length; i++) t->prompt.ids[i] = (t->prompt.ids[i] + 1) % vocabulary;
    tt_error err = {0};
    if (!tt_slots_begin(slots, &t->prompt, steerings[steering], &t->slot, &t->reused, &err)) fail_msg("%s", err.message);
}

/* Of a running conversation that has read 40 tokens of seed 1 under steering 1, a second copies `expected`. */
static void copies(uint32_t context, size_t shared, size_t steering, size_t expected) {
    talk talks[2] = {0};
    tt_slots *slots = tt_slots_open(model, &(tt_slots_options){.slots = 3, .context = context}, NULL);
    assert_non_null(slots);
    begin_like(slots, &talks[0], 1, 40, 40, 1);
    while (!talks[0].written) {
        assert_true(tt_slots_step(slots, NULL));
        talk_on(slots, talks, 1);
    }
    begin_like(slots, &talks[1], 1, shared, 45, steering);
    assert_int_not_equal(talks[0].slot, talks[1].slot);
    assert_int_equal(talks[1].reused, expected);
    run_talks(slots, talks, 2);
    for (size_t i = 0; i < 2; i++) {
        compare_with_alone(&talks[i]);
        free_talk(&talks[i]);
    }
    tt_slots_close(slots);
}

/* A short common beginning is copied where that is quicker than reading it, which depends on how much room there is to copy:
 * and never between different mixes. */
static void test_short_beginnings(void **state) {
    (void)state;
    copies(256, 7, 1, 0);
    copies(256, 8, 1, 8);
    copies(256, 40, 1, 40);
    copies(4096, 31, 1, 0); /* 4096 / 128 = 32 */
    copies(4096, 32, 1, 32);
    copies(256, 40, 0, 0);
    copies(256, 40, 2, 0);
}

/* Conversations that arrive together know nothing of one another yet; one that comes while another still reads its prompt
 * copies what that one has read so far. */
static void test_arrivals_at_once(void **state) {
    (void)state;
    enum { COUNT = 5 };
    talk talks[COUNT];
    tt_slots *slots = open_slots(COUNT);
    for (size_t i = 0; i < 3; i++) {
        begin_like(slots, &talks[i], 1, 60, 100 + i, i == 2 ? 2 : 1);
        assert_int_equal(talks[i].reused, 0);
    }
    assert_true(tt_slots_step(slots, NULL)); /* UBATCH / 3 tokens of each */
    begin_like(slots, &talks[3], 1, 60, 110, 1);
    assert_int_equal(talks[3].reused, UBATCH / 3);
    begin_like(slots, &talks[4], 1, 60, 120, 3);
    assert_int_equal(talks[4].reused, 0);
    run_talks(slots, talks, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        compare_with_alone(&talks[i]);
        free_talk(&talks[i]);
    }
    tt_slots_close(slots);
}

/* What a slot knows itself is kept where another knows hardly more. */
static void test_own_states_before_copies(void **state) {
    (void)state;
    talk talks[4];
    tt_slots *slots = open_slots(2);
    for (size_t i = 0; i < 2; i++) begin_like(slots, &talks[i], 1, i ? 37 : 30, 50, 1); /* slots 0 and 1 */
    run_talks(slots, talks, 2);
    begin_like(slots, &talks[2], 1, 60, 60, 1); /* slot 1 knows 37 tokens of it, slot 0 knows 30 */
    assert_int_equal(talks[2].slot, 1);
    assert_int_equal(talks[2].reused, 37);
    begin_like(slots, &talks[3], 1, 37, 50, 1); /* slot 1 knows 7 more than slot 0 */
    assert_int_equal(talks[3].slot, 0);
    assert_int_equal(talks[3].reused, 30);
    run_talks(slots, talks + 2, 2);
    for (size_t i = 0; i < 4; i++) {
        compare_with_alone(&talks[i]);
        free_talk(&talks[i]);
    }
    tt_slots_close(slots);
}

/* A free slot that knows the prompt is preferred; else one beside a busy one, so that they share a micro-batch. */
static void test_choice_of_slots(void **state) {
    (void)state;
    tt_slots *slots = open_slots(SLOTS);
    talk first = {.prompt_length = 20}, second = {.prompt_length = 20}, third = {.prompt_length = 20};
    make_prompt(&first, 1);
    make_prompt(&second, 2);
    make_prompt(&third, 3);
    size_t reused;
    assert_true(tt_slots_begin(slots, &first.prompt, NULL, &first.slot, &reused, NULL));
    assert_true(tt_slots_begin(slots, &second.prompt, NULL, &second.slot, &reused, NULL));
    assert_true(tt_slots_begin(slots, &third.prompt, NULL, &third.slot, &reused, NULL));
    assert_int_equal(first.slot, 0);
    assert_int_equal(second.slot, 1);
    assert_int_equal(third.slot, 2);
    assert_true(tt_slots_step(slots, NULL));
    assert_true(tt_slots_step(slots, NULL));
    tt_slots_end(slots, second.slot);
    assert_true(tt_slots_begin(slots, &second.prompt, NULL, &second.slot, &reused, NULL));
    assert_int_equal(second.slot, 1);
    assert_true(reused > 0);
    tt_slots_close(slots);
    free_talk(&first);
    free_talk(&second);
    free_talk(&third);
}

static void test_refusals(void **state) {
    (void)state;
    tt_slots *slots = open_slots(1);
    uint32_t slot;
    size_t reused;
    tt_error err = {0};
    assert_false(tt_slots_begin(slots, &(tt_tokens){0}, NULL, &slot, &reused, &err));
    assert_non_null(strstr(err.message, "empty"));
    talk t = {.prompt_length = ROOM + 1};
    make_prompt(&t, 1);
    assert_false(tt_slots_begin(slots, &t.prompt, NULL, &slot, &reused, &err));
    assert_non_null(strstr(err.message, "room for 256"));
    t.prompt.count = 3;
    t.prompt.ids[1] = llama_vocab_n_tokens(model->vocabulary);
    assert_false(tt_slots_begin(slots, &t.prompt, NULL, &slot, &reused, &err));
    assert_non_null(strstr(err.message, "is not one of the model's"));
    t.prompt.ids[1] = 0;
    assert_true(tt_slots_begin(slots, &t.prompt, NULL, &slot, &reused, &err));
    assert_false(tt_slots_begin(slots, &t.prompt, NULL, &slot, &reused, &err));
    assert_non_null(strstr(err.message, "busy"));
    assert_null(tt_slots_logits(slots, slot));
    tt_slots_close(slots);
    free_talk(&t);
    assert_null(tt_slots_open(model, &(tt_slots_options){.slots = TT_SLOTS_MOST + 1}, &err));
    assert_non_null(strstr(err.message, "-np"));
    assert_null(tt_slots_open(model, &(tt_slots_options){.slots = 8, .context = UINT32_MAX}, &err));
    assert_int_equal(err.kind, TT_ERROR_USAGE);
}

/* The context's last place is used, and nothing beyond. */
static void test_full_context(void **state) {
    (void)state;
    tt_slots *slots = open_slots(1);
    talk t = {.prompt_length = ROOM - 1};
    make_prompt(&t, 1);
    assert_true(tt_slots_begin(slots, &t.prompt, NULL, &t.slot, &t.reused, NULL));
    while (!tt_slots_logits(slots, t.slot)) assert_true(tt_slots_step(slots, NULL));
    assert_true(tt_slots_push(slots, t.slot, 1));
    assert_true(tt_slots_step(slots, NULL));
    assert_non_null(tt_slots_logits(slots, t.slot));
    assert_false(tt_slots_push(slots, t.slot, 1));
    tt_slots_end(slots, t.slot);
    assert_true(tt_slots_step(slots, NULL)); /* nobody waits for anything */
    tt_slots_close(slots);
    free_talk(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together_as_alone),
        cmocka_unit_test(test_reuse_needs_same_steering),
        cmocka_unit_test(test_common_steering_settles),
        cmocka_unit_test(test_copy_from_another_slot),
        cmocka_unit_test(test_short_beginnings),
        cmocka_unit_test(test_arrivals_at_once),
        cmocka_unit_test(test_own_states_before_copies),
        cmocka_unit_test(test_choice_of_slots),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_full_context),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
