/* fuzz_stems.c: stems files from anywhere. */
#include "prompts/stems.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const tt_phrases *phrases) {
    if (!phrases->count) abort();
    for (size_t i = 0; i < phrases->count; i++)
        if (!phrases->list[i][0] || strpbrk(phrases->list[i], "\n\r")) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tt_error err = {0};
    tt_stems stems;
    if (tt_stems_parse(&stems, "input.json", (const char *)data, size, &err)) {
        look_at(&stems.pre);
        look_at(&stems.post);
    } else if (!err.message[0] || strchr(err.message, '\n')) {
        abort();
    }
    tt_stems_free(&stems);
    return 0;
}
