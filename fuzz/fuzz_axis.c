/* fuzz_axis.c: axis files from anywhere. What the check finds fault with is refused, and nothing else; what is taken is as
 * axis.h promises it. */
#include "prompts/axis.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds) abort();
}

static void look_at(const tt_axis *axis, size_t pair_count) {
    demand(axis->pair_count == pair_count && pair_count > 0);
    demand(strcmp(axis->classes[TT_NEGATIVE], axis->classes[TT_POSITIVE]) != 0);
    for (int side = 0; side < 2; side++) demand(axis->classes[side][0] && !strpbrk(axis->classes[side], "/ \n:=,"));
    for (size_t i = 0; i < pair_count; i++) {
        for (int side = 0; side < 2; side++)
            demand(axis->pairs[i].side[side][0] && !strpbrk(axis->pairs[i].side[side], "\n\r"));
        demand(strcmp(axis->pairs[i].side[TT_NEGATIVE], axis->pairs[i].side[TT_POSITIVE]) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tt_findings findings = {0};
    tt_error err = {0};
    tt_axis axis;
    size_t pair_count;
    const bool in_order = tt_axis_check("input", (const char *)data, size, &pair_count, &findings);
    const bool taken = tt_axis_parse(&axis, "input", "input.json", (const char *)data, size, &err);
    demand(in_order == taken);
    for (size_t i = 0; i < findings.count; i++) demand(!strpbrk(findings.list[i].message, "\n\033"));
    if (taken)
        look_at(&axis, pair_count);
    else
        demand(err.message[0] && !strchr(err.message, '\n'));
    tt_axis_free(&axis);
    tt_findings_free(&findings);
    return 0;
}
