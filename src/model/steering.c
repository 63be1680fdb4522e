/* steering.c: see steering.h */
#include "model/steering.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct term {
    tt_operator operator;
    tt_scope scope;
    float **rows; /* [blocks]; each freed separately */
} term;

struct tt_steering {
    atomic_uint references;
    size_t blocks, width, term_count;
    term *terms;
};

/* ==== Making ==== */

static bool is_zero(const float *row, size_t width) {
    for (size_t i = 0; i < width; i++)
        if (row[i] != 0) return false;
    return true;
}

static bool copy_row(term *to, uint32_t K, const float *row, uint32_t width, tt_error *err) {
    if (is_zero(row, width)) return true;
    to->rows[K] = tt_alloc(width, sizeof *row, err);
    if (to->rows[K]) memcpy(to->rows[K], row, width * sizeof *row);
    return to->rows[K] != NULL;
}

static bool copy_term(const tt_model_facts *facts, term *to, const tt_steering_term *from, tt_error *err) {
    if (from->row_count > facts->blocks || (from->row_count && from->width != facts->width))
        return tt_fail(err, TT_ERROR_INPUT,
                       "steering made for %u blocks of width %u does not fit this model, which has %u of width %u",
                       from->row_count, from->width, facts->blocks, facts->width);
    *to = (term){.operator = from->operator, .scope = from->scope, .rows = tt_alloc(facts->blocks, sizeof *to->rows, err)};
    bool ok = to->rows != NULL;
    for (uint32_t K = 1; K < from->row_count && ok; K++)
        if (from->rows[K]) ok = copy_row(to, K, from->rows[K], from->width, err);
    return ok;
}

tt_steering *tt_steering_make(const tt_model *model, const tt_steering_term *terms, size_t term_count, tt_error *err) {
    const tt_model_facts *facts = tt_model_facts_of(model);
    tt_steering *steering = tt_alloc(1, sizeof *steering, err);
    if (!steering) return NULL;
    atomic_init(&steering->references, 1);
    steering->blocks = facts->blocks;
    steering->width = facts->width;
    steering->terms = tt_alloc(term_count, sizeof *steering->terms, err);
    bool ok = steering->terms != NULL;
    for (size_t i = 0; ok && i < term_count; i++)
        ok = copy_term(facts, &steering->terms[steering->term_count++], &terms[i], err);
    if (ok) return steering;
    tt_steering_release(steering);
    return NULL;
}

tt_steering *tt_steering_hold(tt_steering *steering) {
    if (steering) atomic_fetch_add(&steering->references, 1);
    return steering;
}

void tt_steering_release(tt_steering *steering) {
    if (!steering || atomic_fetch_sub(&steering->references, 1) != 1) return;
    for (size_t i = 0; i < steering->term_count; i++) {
        float **rows = steering->terms[i].rows;
        for (size_t K = 0; rows && K < steering->blocks; K++) free(rows[K]);
        free(rows);
    }
    free(steering->terms);
    free(steering);
}

/* ==== Queries ==== */

static bool term_acts(const term *of, size_t blocks) {
    for (size_t K = 1; K < blocks; K++)
        if (of->rows[K]) return true;
    return false;
}

bool tt_steering_acts_at_all(const tt_steering *steering) {
    for (size_t i = 0; steering && i < steering->term_count; i++)
        if (term_acts(&steering->terms[i], steering->blocks)) return true;
    return false;
}

bool tt_steering_acts(const tt_steering *steering, size_t block) {
    for (size_t i = 0; steering && i < steering->term_count; i++)
        if (steering->terms[i].rows[block]) return true;
    return false;
}

static bool same_term(const term *a, const term *b, size_t blocks, size_t width) {
    if (a->operator != b->operator || a->scope != b->scope) return false;
    for (size_t K = 1; K < blocks; K++) {
        const float *x = a->rows[K], *y = b->rows[K];
        if (!x != !y || (x && memcmp(x, y, width * sizeof *x) != 0)) return false;
    }
    return true;
}

bool tt_steering_equal(const tt_steering *a, const tt_steering *b) {
    if (a == b) return true;
    if (!a || !b) return !tt_steering_acts_at_all(a ? a : b);
    if (a->term_count != b->term_count) return !tt_steering_acts_at_all(a) && !tt_steering_acts_at_all(b);
    for (size_t i = 0; i < a->term_count; i++)
        if (!same_term(&a->terms[i], &b->terms[i], a->blocks, a->width)) return false;
    return true;
}

bool tt_steering_is_constant(const tt_steering *steering) {
    for (size_t i = 0; steering && i < steering->term_count; i++)
        if (steering->terms[i].operator != TT_OPERATOR_ADD || steering->terms[i].scope != TT_SCOPE_EVERY_TOKEN) return false;
    return true;
}

/* ==== Applying ==== */

static void apply_term(tt_operator operator, const float *row, float *h, size_t width) {
    switch (operator) {
    case TT_OPERATOR_ADD:
        for (size_t i = 0; i < width; i++) h[i] += row[i];
        break;
    }
}

void tt_steering_apply(const tt_steering *steering, size_t block, float *h) {
    for (size_t i = 0; steering && i < steering->term_count; i++) {
        const term *of = &steering->terms[i];
        if (of->rows[block]) apply_term(of->operator, of->rows[block], h, steering->width);
    }
}
