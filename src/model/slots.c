/* slots.c: see slots.h
 *
 * Each slot has its own key-value stream. libllama regroups a batch for such a context into micro-batches of adjacent
 * sequences with equally many tokens. To keep the order unchanged (steered_batch.h), a decode holds a run of adjacent
 * slots with the same number of tokens each. If there are gaps between the slots in use, the runs take turns; new
 * conversations are placed next to running ones, so that there are few. */
#include "model/slots.h"
#include "base/memory.h"
#include "base/number.h"
#include "model/steered_batch.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_USUAL = 256,
    /* Copying another slot's stream moves its whole room, used or not, and costs about as much as reading this share of
     * it. */
    COPY_SHARE = 128,
    COPY_LEAST = 8,
    NO_OUTPUT = -1,
    HEARD_AT_ONCE = 64, /* tokens with logits in one decode, if a listener wants them: each has a vocabulary of logits */
};

typedef struct slot {
    bool busy;
    tt_steering *steering; /* of the tokens below, kept while the slot is free */
    int32_t *tokens;       /* computed up to `length`, to be computed up to `wanted`; room for a whole context */
    size_t length, wanted;
    size_t prompt;      /* how many of the tokens are the prompt's */
    int64_t output;     /* the batch index that has the slot's logits, or NO_OUTPUT */
    uint64_t last_used; /* step number */
    void (*hear)(void *hear_data, size_t position, const float *logits); /* NULL: no listener */
    void *hear_data;
} slot;

struct tt_slots {
    tt_model *model;
    tt_steered_batch batch;
    slot *slots;
    uint32_t count, chunk;
    size_t room; /* tokens of each; libllama's stream may have room for a few more */
    const atomic_bool *cancel;
    uint32_t outputs; /* tokens of one decode that may have logits */
    uint64_t steps;
    uint32_t next_writer, next_reader; /* the slot whose turn it is */
    bool read_last;                    /* the last step was a reading one */
    tt_slots_counts counts;
};

typedef struct run {
    uint32_t first, end; /* slots [first, end) */
    size_t each;         /* tokens of each */
} run;

static struct llama_context *context_of(const tt_slots *slots) { return slots->batch.context; }

/* How many tokens a copy of another slot's stream must save to be worth its time. */
static size_t copy_least(const tt_slots *slots) {
    const size_t share = slots->room / COPY_SHARE;
    return share > COPY_LEAST ? share : COPY_LEAST;
}

/* Whether computed state can be copied and cut. */
static bool can_share(const tt_slots *slots) { return !slots->model->facts.recurrent; }

/* ==== Steps ==== */

static void forget_all(tt_slots *slots) {
    llama_memory_clear(llama_get_memory(context_of(slots)), false);
    for (uint32_t i = 0; i < slots->count; i++) {
        slots->slots[i].length = slots->slots[i].wanted = 0;
        slots->slots[i].output = NO_OUTPUT;
    }
}

/* Cuts the slot's computed tokens to `length`; to none if libllama cannot. */
static void cut(tt_slots *slots, uint32_t number, size_t length) {
    const llama_memory_t memory = llama_get_memory(context_of(slots));
    const llama_seq_id sequence = (llama_seq_id)number;
    if (length == 0 || !llama_memory_seq_rm(memory, sequence, (llama_pos)length, -1)) {
        llama_memory_seq_rm(memory, sequence, -1, -1);
        length = 0;
    }
    slots->slots[number].length = length;
}

/* True if a listener wants the logits after the slot's token at `position`. */
static bool is_heard(const slot *s, size_t position) { return s->hear && position < s->prompt; }

/* Puts the slot's next `each` tokens into the batch, with logits after the last available token, and wherever a listener
 * wants them. */
static void put(tt_slots *slots, uint32_t number, size_t each) {
    slot *s = &slots->slots[number];
    for (size_t k = 0; k < each; k++) {
        const size_t position = s->length + k;
        const bool last = position + 1 == s->wanted;
        if (last) s->output = (int64_t)slots->batch.length;
        tt_steered_batch_add(&slots->batch, s->tokens[position], position, last || is_heard(s, position), s->steering);
        tt_steered_batch_join(&slots->batch, number);
    }
}

static void count_tokens(tt_slots *slots, const slot *s, size_t each) {
    const size_t of_prompt = s->length < s->prompt ? tt_smaller(s->prompt - s->length, each) : 0;
    slots->counts.read_tokens += of_prompt;
    slots->counts.written_tokens += each - of_prompt;
}

/* After a failed step, part of which may be in the cache. Returns false. */
static bool undo(tt_slots *slots, run together) {
    if (!slots->cancel || !atomic_load(slots->cancel)) forget_all(slots);
    for (uint32_t i = together.first; i < together.end; i++) cut(slots, i, slots->slots[i].length);
    for (uint32_t i = 0; i < slots->count; i++) slots->slots[i].output = NO_OUTPUT;
    return false;
}

/* Gives the listener the logits after the slot's next `each` tokens, which begin at `index` of the batch. */
static void tell_listener(tt_slots *slots, const slot *s, size_t each, size_t index) {
    for (size_t k = 0; k < each; k++)
        if (is_heard(s, s->length + k))
            s->hear(s->hear_data, s->length + k, tt_steered_batch_logits(&slots->batch, index + k));
}

static bool decode(tt_slots *slots, run together, tt_error *err) {
    tt_steered_batch_clear(&slots->batch);
    for (uint32_t i = 0; i < slots->count; i++) slots->slots[i].output = NO_OUTPUT;
    for (uint32_t i = together.first; i < together.end; i++) put(slots, i, together.each);
    slots->counts.decodes++;
    if (!tt_steered_batch_decode(&slots->batch, slots->cancel, err)) return undo(slots, together);
    slots->counts.settled_decodes += slots->batch.settled;
    for (uint32_t i = together.first; i < together.end; i++) {
        slot *s = &slots->slots[i];
        tell_listener(slots, s, together.each, (i - together.first) * together.each);
        count_tokens(slots, s, together.each);
        s->length += together.each;
        s->last_used = slots->steps;
    }
    return true;
}

static size_t pending(const slot *s) { return s->busy ? s->wanted - s->length : 0; }

static bool is_writer(const slot *s) { return pending(s) == 1; }
static bool is_reader(const slot *s) { return pending(s) > 1; }

/* The next run of slots for which `wants` is true, beginning at or after `*turn`, which moves past it. False if there is
 * none. */
static bool find_run(const tt_slots *slots, bool (*wants)(const slot *), uint32_t *turn, run *found) {
    for (uint32_t i = 0; i < slots->count; i++) {
        const uint32_t first = (*turn + i) % slots->count;
        if (!wants(&slots->slots[first])) continue;
        *found = (run){first, first + 1, 1};
        while (found->end < slots->count && wants(&slots->slots[found->end])) found->end++;
        *turn = found->end % slots->count;
        return true;
    }
    return false;
}

/* Pieces of prompts: equally many tokens of each slot in the run, together at most a micro-batch, and at most a chunk
 * while others write, so that those continue soon. */
static size_t piece_length(const tt_slots *slots, run together, bool others_write) {
    const size_t readers = together.end - together.first;
    size_t most = others_write ? slots->chunk : slots->batch.capacity;
    for (uint32_t i = together.first; i < together.end; i++)
        if (slots->slots[i].hear) most = tt_smaller(most, slots->outputs);
    size_t each = most / readers ? most / readers : 1;
    for (uint32_t i = together.first; i < together.end; i++) each = tt_smaller(each, pending(&slots->slots[i]));
    return each;
}

bool tt_slots_step(tt_slots *slots, tt_error *err) {
    run writers, readers;
    slots->steps++;
    uint32_t next_reader = slots->next_reader, next_writer = slots->next_writer;
    const bool read = find_run(slots, is_reader, &next_reader, &readers),
               write = find_run(slots, is_writer, &next_writer, &writers);
    if (read && (!write || !slots->read_last)) {
        slots->read_last = true;
        slots->next_reader = next_reader;
        readers.each = piece_length(slots, readers, write);
        return decode(slots, readers, err);
    }
    slots->read_last = false;
    slots->next_writer = next_writer;
    return !write || decode(slots, writers, err);
}

const float *tt_slots_logits(const tt_slots *slots, uint32_t number) {
    const slot *s = &slots->slots[number];
    return s->busy && s->output != NO_OUTPUT ? tt_steered_batch_logits(&slots->batch, (size_t)s->output) : NULL;
}

bool tt_slots_push(tt_slots *slots, uint32_t number, int32_t token) {
    slot *s = &slots->slots[number];
    s->output = NO_OUTPUT;
    if (s->wanted >= slots->room) return false;
    s->tokens[s->wanted++] = token;
    return true;
}

/* ==== Beginning and ending ==== */

/* How many tokens of `prompt` the slot has computed under the same steering. The last one is always computed again,
 * because its logits are needed. */
static size_t shared_length(const slot *s, const tt_tokens *prompt, const tt_steering *steering) {
    if (!tt_steering_equal(s->steering, steering)) return 0;
    size_t shared = 0;
    while (shared + 1 < prompt->count && shared < s->length && s->tokens[shared] == prompt->ids[shared]) shared++;
    return shared;
}

/* From how many of them it can continue. A recurrent state has no history: all of it is usable, or none. */
static size_t reusable_length(const tt_slots *slots, const slot *s, const tt_tokens *prompt, const tt_steering *steering) {
    const size_t shared = shared_length(s, prompt, steering);
    return can_share(slots) || shared == s->length ? shared : 0;
}

static bool has_busy_neighbour(const tt_slots *slots, uint32_t number) {
    return (number > 0 && slots->slots[number - 1].busy) || (number + 1 < slots->count && slots->slots[number + 1].busy);
}

/* The free slot to take: one that has computed at least half of the prompt; or one next to a busy slot; or the one unused
 * for longest. */
static bool choose_slot(const tt_slots *slots, const tt_tokens *prompt, const tt_steering *steering, uint32_t *number) {
    bool found = false, best_beside = false;
    size_t best_shared = 0;
    for (uint32_t i = 0; i < slots->count; i++) {
        const slot *s = &slots->slots[i];
        if (s->busy) continue;
        size_t shared = reusable_length(slots, s, prompt, steering);
        if (shared < prompt->count / 2) shared = 0;
        const bool beside = has_busy_neighbour(slots, i);
        bool better = !found || shared > best_shared;
        if (found && shared == best_shared)
            better = beside != best_beside ? beside : s->last_used < slots->slots[*number].last_used;
        if (!better) continue;
        found = true;
        *number = i;
        best_shared = shared;
        best_beside = beside;
    }
    return found;
}

/* Gives the slot as much of the prompt as it or another slot has computed. */
static void reuse(tt_slots *slots, uint32_t number, const tt_tokens *prompt, const tt_steering *steering) {
    size_t best = reusable_length(slots, &slots->slots[number], prompt, steering);
    uint32_t source = number;
    for (uint32_t i = 0; i < slots->count && can_share(slots); i++) {
        const size_t known = i == number ? 0 : shared_length(&slots->slots[i], prompt, steering);
        if (known < best + copy_least(slots) && (source == number || known <= best)) continue;
        best = known;
        source = i;
    }
    if (source != number) {
        cut(slots, number, 0);
        llama_memory_seq_cp(llama_get_memory(context_of(slots)), (llama_seq_id)source, (llama_seq_id)number, -1, -1);
    }
    cut(slots, number, best);
}

static bool check_prompt(const tt_slots *slots, const tt_tokens *prompt, tt_error *err) {
    if (prompt->count == 0) return tt_fail(err, TT_ERROR_INPUT, "the prompt is empty: there is nothing to go on from");
    if (prompt->count > slots->room)
        return tt_fail(err, TT_ERROR_INPUT,
                       "the prompt has %zu tokens, but a conversation has room for %zu; shorten it, or ask for a larger "
                       "context with -c",
                       prompt->count, slots->room);
    for (size_t i = 0; i < prompt->count; i++)
        if (prompt->ids[i] < 0 || prompt->ids[i] >= llama_vocab_n_tokens(slots->model->vocabulary))
            return tt_fail(err, TT_ERROR_INPUT, "token %d of the prompt is not one of the model's", prompt->ids[i]);
    return true;
}

bool tt_slots_begin(tt_slots *slots, const tt_tokens *prompt, tt_steering *steering, uint32_t *number, size_t *reused,
                    tt_error *err) {
    if (!check_prompt(slots, prompt, err)) return false;
    if (!choose_slot(slots, prompt, steering, number))
        return tt_fail(err, TT_ERROR_MODEL, "all %u slots are busy", slots->count);
    slot *s = &slots->slots[*number];
    reuse(slots, *number, prompt, steering);
    tt_steering_hold(steering);
    tt_steering_release(s->steering);
    s->steering = steering;
    memcpy(s->tokens, prompt->ids, prompt->count * sizeof *s->tokens);
    s->wanted = s->prompt = prompt->count;
    s->output = NO_OUTPUT;
    s->busy = true;
    s->hear = NULL;
    s->last_used = slots->steps;
    *reused = s->length;
    slots->counts.reused_tokens += s->length;
    return true;
}

void tt_slots_listen(tt_slots *slots, uint32_t number, void (*hear)(void *hear_data, size_t position, const float *logits),
                     void *hear_data) {
    slot *s = &slots->slots[number];
    slots->counts.reused_tokens -= s->length;
    cut(slots, number, 0);
    s->hear = hear;
    s->hear_data = hear_data;
}

void tt_slots_end(tt_slots *slots, uint32_t number) {
    slot *s = &slots->slots[number];
    s->busy = false;
    s->hear = NULL;
    s->output = NO_OUTPUT;
    s->wanted = s->length;
}

/* ==== Opening and closing ==== */

static bool open_slots(tt_slots *slots, size_t room, tt_error *err) {
    slots->room = room;
    slots->slots = tt_alloc(slots->count, sizeof *slots->slots, err);
    if (!slots->slots || !tt_steered_batch_open(&slots->batch, slots->model, err) ||
        !tt_steered_batch_streams(&slots->batch, room, slots->count, slots->outputs, err))
        return false;
    for (uint32_t i = 0; i < slots->count; i++) {
        slots->slots[i].output = NO_OUTPUT;
        slots->slots[i].tokens = tt_alloc(room, sizeof(int32_t), err);
        if (!slots->slots[i].tokens) return false;
    }
    return true;
}

static size_t usual_room(const tt_model *model) {
    const size_t trained = model->facts.context;
    return trained && trained < TT_SLOT_CONTEXT_USUAL ? trained : TT_SLOT_CONTEXT_USUAL;
}

tt_slots *tt_slots_open(tt_model *model, const tt_slots_options *options, tt_error *err) {
    const uint32_t count = options->slots ? options->slots : 1;
    const size_t room = options->context ? options->context : usual_room(model);
    if (count > TT_SLOTS_MOST || (int32_t)count > model->ubatch)
        return tt_fail(err, TT_ERROR_USAGE,
                       "-np %u is too many: at most %d conversations at once, and no more than -ub has tokens (%d)", count,
                       TT_SLOTS_MOST, model->ubatch),
               NULL;
    if (room > (size_t)INT32_MAX / count)
        return tt_fail(err, TT_ERROR_USAGE, "a context of %zu tokens for each of %u conversations is too large", room,
                       count),
               NULL;
    tt_slots *slots = tt_alloc(1, sizeof *slots, err);
    if (!slots) return NULL;
    slots->model = model;
    slots->count = count;
    slots->chunk = (uint32_t)tt_smaller(options->chunk ? options->chunk : CHUNK_USUAL, (size_t)model->ubatch);
    slots->outputs = count;
    if (options->listens && slots->outputs < HEARD_AT_ONCE)
        slots->outputs = (uint32_t)tt_smaller(HEARD_AT_ONCE, (size_t)model->ubatch);
    if (open_slots(slots, room, err)) return slots;
    tt_slots_close(slots);
    return NULL;
}

void tt_slots_close(tt_slots *slots) {
    if (!slots) return;
    tt_steered_batch_close(&slots->batch);
    for (uint32_t i = 0; slots->slots && i < slots->count; i++) {
        tt_steering_release(slots->slots[i].steering);
        free(slots->slots[i].tokens);
    }
    free(slots->slots);
    free(slots);
}

uint32_t tt_slots_count(const tt_slots *slots) { return slots->count; }
uint32_t tt_slots_context(const tt_slots *slots) { return (uint32_t)slots->room; }
tt_slots_counts tt_slots_counts_of(const tt_slots *slots) { return slots->counts; }
size_t tt_slots_length(const tt_slots *slots, uint32_t number) { return slots->slots[number].length; }
void tt_slots_watch(tt_slots *slots, const atomic_bool *cancel) { slots->cancel = cancel; }

uint32_t tt_slots_busy(const tt_slots *slots) {
    uint32_t busy = 0;
    for (uint32_t i = 0; i < slots->count; i++) busy += slots->slots[i].busy;
    return busy;
}
