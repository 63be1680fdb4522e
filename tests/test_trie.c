/* test_trie.c: prompts that begin alike become one tree: every prompt can be read back from its last node, and nothing
 * stands twice. */
#include "model/trie.h"

#include <setjmp.h>
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
        cmocka_unit_test(stands_depth_first),         cmocka_unit_test(shares_beginnings),
        cmocka_unit_test(a_prompt_may_begin_another), cmocka_unit_test(without_sharing_every_prompt_is_a_branch),
        cmocka_unit_test(holds_many_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
