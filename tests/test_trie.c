/* test_trie.c: prompts that begin alike become one tree: every prompt can be read back from its last node, and nothing
 * stands twice. */
#include "model/trie.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOKENS(...) {(int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)}

/* Follows the path to each prompt's last node and compares it with the prompt. */
static void check_paths(const tt_trie *trie, const tt_tokens *prompts, size_t count) {
    assert_int_equal(trie->prompts, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t node = trie->ends[i];
        for (size_t k = prompts[i].count; k-- > 0; node = trie->parents[node]) {
            assert_true(node < trie->count);
            assert_int_equal(trie->tokens[node], prompts[i].ids[k]);
            assert_int_equal(trie->depths[node], k);
            assert_true(trie->parents[node] == UINT32_MAX || trie->parents[node] < node);
        }
        assert_int_equal(node, UINT32_MAX);
    }
}

/* Depth first: between a prompt's last node and the end of its branch stands nothing but what goes on from it. */
static void check_order(const tt_trie *trie) {
    for (size_t i = 1; i < trie->prompts; i++) assert_true(trie->ends[trie->order[i - 1]] <= trie->ends[trie->order[i]]);
    for (size_t i = 1; i < trie->count; i++) {
        uint32_t above = (uint32_t)i - 1; /* the node before is this one's parent, or lies below its parent */
        while (above != UINT32_MAX && above != trie->parents[i]) above = trie->parents[above];
        assert_int_equal(above, trie->parents[i]);
    }
}

static void stands_depth_first(void **) {
    const tt_tokens prompts[] = {TOKENS(1, 2, 8),    TOKENS(1, 3), TOKENS(1, 2),   TOKENS(1, 3, 1),
                                 TOKENS(1, 2, 8, 4), TOKENS(0),    TOKENS(1, 2, 8)};
    tt_trie trie;
    assert_true(tt_trie_build(&trie, prompts, 7, true, NULL));
    check_paths(&trie, prompts, 7);
    check_order(&trie);
    static const size_t expected[] = {5, 2, 0, 6, 4, 1, 3};
    for (size_t i = 0; i < 7; i++) assert_int_equal(trie.order[i], expected[i]);
    assert_int_equal(trie.count, 7);
    tt_trie_free(&trie);
}

static void shares_beginnings(void **) {
    const tt_tokens prompts[] = {TOKENS(1, 2, 3, 4), TOKENS(1, 2, 5), TOKENS(1, 2, 3, 6, 7), TOKENS(9), TOKENS(1, 2, 3, 4)};
    tt_trie trie;
    assert_true(tt_trie_build(&trie, prompts, 5, true, NULL));
    check_paths(&trie, prompts, 5);
    assert_int_equal(trie.count, 4 + 1 + 2 + 1 + 0);
    assert_int_equal(trie.ends[0], trie.ends[4]);
    tt_trie_free(&trie);
}

static void a_prompt_may_begin_another(void **) {
    const tt_tokens prompts[] = {TOKENS(1, 2, 3), TOKENS(1, 2), TOKENS(1, 2, 3, 4)};
    tt_trie trie;
    assert_true(tt_trie_build(&trie, prompts, 3, true, NULL));
    check_paths(&trie, prompts, 3);
    assert_int_equal(trie.count, 4);
    tt_trie_free(&trie);
}

static void without_sharing_every_prompt_is_a_branch(void **) {
    const tt_tokens prompts[] = {TOKENS(1, 2, 3), TOKENS(1, 2, 3)};
    tt_trie trie;
    assert_true(tt_trie_build(&trie, prompts, 2, false, NULL));
    check_paths(&trie, prompts, 2);
    assert_int_equal(trie.count, 6);
    tt_trie_free(&trie);
}

/* Goes through the windows with a cache that is a list of nodes: every prompt must find its tokens in it, in their order. */
static void check_windows(const tt_trie *trie, size_t limit, size_t windows) {
    uint32_t cells[64]; /* nodes in the cache, from its bottom */
    size_t used = 0, found = 0;
    for (size_t first = 0, end; first < trie->prompts; first = end, found++) {
        end = tt_trie_window(trie, first, limit);
        assert_true(end > first && end <= trie->prompts);
        for (uint32_t node = trie->begins[first]; node < trie->begins[end]; node++) cells[used++] = node;
        assert_true(used <= tt_trie_most_cells(trie, limit));
        for (size_t prompt = first; prompt < end; prompt++) {
            size_t cell = used;
            for (uint32_t node = trie->ends[trie->order[prompt]]; node != UINT32_MAX; node = trie->parents[node]) {
                while (cell > 0 && cells[cell - 1] != node) cell--;
                assert_true(cell > 0); /* or it is not there, or not below its successor */
            }
        }
        bool needed[64] = {0}; /* by later prompts; the rest goes */
        size_t kept = 0;
        for (size_t prompt = end; prompt < trie->prompts; prompt++)
            for (uint32_t node = trie->ends[trie->order[prompt]]; node != UINT32_MAX; node = trie->parents[node])
                for (size_t cell = 0; cell < used; cell++) needed[cell] |= cells[cell] == node;
        for (size_t cell = 0; cell < used; cell++) kept += needed[cell];
        for (size_t cell = 0; cell < kept; cell++) assert_true(needed[cell]); /* no gap */
        used = kept;
    }
    assert_int_equal(found, windows);
}

static void windows_keep_what_later_prompts_need(void **) {
    const tt_tokens prompts[] = {TOKENS(1, 2, 3, 3),    TOKENS(1, 2, 4, 4), TOKENS(1, 2, 4, 5), TOKENS(1, 2, 4, 5),
                                 TOKENS(1, 2, 6, 6, 6), TOKENS(1, 7, 7),    TOKENS(8)};
    tt_trie trie;
    assert_true(tt_trie_build(&trie, prompts, 7, true, NULL));
    assert_int_equal(trie.begins[7], trie.count);
    check_windows(&trie, 1, 6); /* equal ones stay together */
    check_windows(&trie, 5, 4);
    check_windows(&trie, 10, 2);
    check_windows(&trie, 100, 1);
    assert_int_equal(tt_trie_most_cells(&trie, 1), 5);
    assert_int_equal(tt_trie_most_cells(&trie, 100), trie.count);
    tt_trie_free(&trie);
}

static void no_cut_where_another_branch_would_have_to_stay(void **) {
    const tt_tokens prompts[] = {TOKENS(1, 2), TOKENS(1, 3, 4), TOKENS(1, 3, 5), TOKENS(1, 3, 6)};
    tt_trie trie;
    assert_true(tt_trie_build(&trie, prompts, 4, true, NULL));
    assert_int_equal(tt_trie_window(&trie, 0, 4), 1); /* two would fit, but leave (1, 3) above a gap */
    assert_int_equal(tt_trie_window(&trie, 1, 4), 3);
    assert_int_equal(tt_trie_window(&trie, 0, 6), 4);
    tt_trie_free(&trie);
}

static void holds_many_tokens(void **) {
    enum { LENGTH = 5000 };
    tt_tokens prompt = {calloc(LENGTH, sizeof(int32_t)), LENGTH};
    assert_non_null(prompt.ids);
    for (int i = 0; i < LENGTH; i++) prompt.ids[i] = i % 7;
    tt_trie trie;
    assert_true(tt_trie_build(&trie, &prompt, 1, true, NULL));
    check_paths(&trie, &prompt, 1);
    tt_trie_free(&trie);
    free(prompt.ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stands_depth_first),
        cmocka_unit_test(shares_beginnings),
        cmocka_unit_test(a_prompt_may_begin_another),
        cmocka_unit_test(without_sharing_every_prompt_is_a_branch),
        cmocka_unit_test(windows_keep_what_later_prompts_need),
        cmocka_unit_test(no_cut_where_another_branch_would_have_to_stay),
        cmocka_unit_test(holds_many_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
