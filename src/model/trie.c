/* trie.c: see trie.h */
#include "model/trie.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool add_node(tt_trie *trie, int32_t token, uint32_t parent, uint32_t depth, tt_error *err) {
    const size_t wanted = trie->capacity ? trie->capacity * 2 : 256;
    if (trie->count == trie->capacity) {
        if (!tt_resize(&trie->tokens, wanted, sizeof *trie->tokens, err) ||
            !tt_resize(&trie->parents, wanted, sizeof *trie->parents, err) ||
            !tt_resize(&trie->depths, wanted, sizeof *trie->depths, err))
            return false;
        trie->capacity = wanted;
    }
    trie->tokens[trie->count] = token;
    trie->parents[trie->count] = parent;
    trie->depths[trie->count] = depth;
    trie->count++;
    return true;
}

/* The number of tokens in the common beginning of two prompts. */
static size_t common(const tt_tokens *a, const tt_tokens *b) {
    const size_t limit = a->count < b->count ? a->count : b->count;
    size_t i = 0;
    while (i < limit && a->ids[i] == b->ids[i]) i++;
    return i;
}

/* Adds a prompt after the beginning that it shares with `before`, its alphabetical neighbour: no other shares more. */
static bool add_prompt(tt_trie *trie, const tt_tokens *prompts, size_t which, const size_t *before, tt_error *err) {
    const tt_tokens *prompt = &prompts[which];
    const size_t shared = before ? common(&prompts[*before], prompt) : 0;
    uint32_t node = UINT32_MAX;
    if (shared)
        for (node = trie->ends[*before]; trie->depths[node] + 1 > shared;) node = trie->parents[node];
    for (size_t i = shared; i < prompt->count; i++) {
        if (!add_node(trie, prompt->ids[i], node, (uint32_t)i, err)) return false;
        node = (uint32_t)(trie->count - 1);
    }
    trie->ends[which] = node;
    return true;
}

/* Alphabetically, a prompt before its continuations; equal ones in the given order. */
static int by_tokens(const void *a, const void *b, void *all) {
    const size_t i = *(const size_t *)a, k = *(const size_t *)b;
    const tt_tokens *prompts = *(const tt_tokens *const *)all, *x = &prompts[i], *y = &prompts[k];
    const size_t same = common(x, y);
    if (same < x->count && same < y->count) return x->ids[same] < y->ids[same] ? -1 : 1;
    if (x->count != y->count) return x->count < y->count ? -1 : 1;
    return (i > k) - (i < k);
}

bool tt_trie_build(tt_trie *trie, const tt_tokens *prompts, size_t count, bool share, tt_error *err) {
    *trie = (tt_trie){.prompts = count};
    trie->ends = tt_alloc(count, sizeof *trie->ends, err);
    trie->order = tt_alloc(count, sizeof *trie->order, err);
    trie->begins = tt_alloc(count + 1, sizeof *trie->begins, err);
    bool ok = trie->ends && trie->order && trie->begins;
    for (size_t i = 0; ok && i < count; i++) trie->order[i] = i;
    if (ok && share) qsort_r(trie->order, count, sizeof *trie->order, by_tokens, &prompts);
    for (size_t i = 0; ok && i < count; i++) {
        ok = add_prompt(trie, prompts, trie->order[i], share && i ? &trie->order[i - 1] : NULL, err);
        trie->begins[i + 1] = (uint32_t)trie->count;
    }
    if (!ok) tt_trie_free(trie);
    return ok;
}

void tt_trie_free(tt_trie *trie) {
    free(trie->tokens);
    free(trie->parents);
    free(trie->depths);
    free(trie->ends);
    free(trie->order);
    free(trie->begins);
    *trie = (tt_trie){0};
}

/* ==== Windows ==== */

/* The parent of the first node that a prompt added; UINT32_MAX if none. */
static uint32_t joint_of(const tt_trie *trie, size_t place) {
    const uint32_t own = trie->begins[place];
    return own < trie->begins[place + 1] ? trie->parents[own] : trie->ends[trie->order[place]];
}

/* Whether a window that begins with the prompt at place `first` may end before the one at `cut`. Since prompts are in
 * alphabetical order, no later one needs more of the earlier ones. */
static bool may_cut(const tt_trie *trie, size_t first, size_t cut) {
    if (cut == trie->prompts) return true;
    if (trie->begins[cut] == trie->begins[cut + 1]) return false; /* it equals an earlier one, and is computed with that */
    const uint32_t joint = joint_of(trie, cut);
    uint32_t node = trie->ends[trie->order[first]];
    while (node != UINT32_MAX && node > joint) node = trie->parents[node];
    return joint == UINT32_MAX || node == joint;
}

/* Like tt_trie_window; `*cells` is the number of cells that the window fills. */
static size_t find_window(const tt_trie *trie, size_t first, size_t limit, size_t *cells) {
    const uint32_t joint = joint_of(trie, first);
    const size_t kept = joint == UINT32_MAX ? 0 : trie->depths[joint] + (size_t)1;
    size_t end = 0;
    for (size_t cut = first + 1; cut <= trie->prompts; cut++) {
        const size_t filled = kept + trie->begins[cut] - trie->begins[first];
        if (end && filled > limit) break;
        if (!may_cut(trie, first, cut)) continue;
        end = cut;
        *cells = filled;
    }
    return end;
}

size_t tt_trie_window(const tt_trie *trie, size_t first, size_t limit) {
    size_t cells;
    return find_window(trie, first, limit, &cells);
}

size_t tt_trie_most_cells(const tt_trie *trie, size_t limit) {
    size_t most = 0;
    for (size_t first = 0; first < trie->prompts;) {
        size_t cells = 0;
        first = find_window(trie, first, limit, &cells);
        if (cells > most) most = cells;
    }
    return most;
}
