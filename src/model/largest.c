/* largest.c: see largest.h */
#include "model/largest.h"

#include <stdbool.h>

static bool is_less(const float *logits, int32_t a, int32_t b) {
    return logits[a] < logits[b] || (logits[a] == logits[b] && a > b);
}

/* Restores the heap below `place`. */
static void sift(const float *logits, int32_t *heap, size_t count, size_t place) {
    for (;;) {
        size_t least = place;
        for (size_t child = 2 * place + 1; child <= 2 * place + 2 && child < count; child++)
            if (is_less(logits, heap[child], heap[least])) least = child;
        if (least == place) return;
        const int32_t token = heap[place];
        heap[place] = heap[least];
        heap[least] = token;
        place = least;
    }
}

void tt_largest(const float *logits, size_t vocabulary, int32_t *tokens, size_t count) {
    for (size_t i = 0; i < count; i++) tokens[i] = (int32_t)i;
    for (size_t i = count / 2; i-- > 0;) sift(logits, tokens, count, i);
    for (size_t i = count; i < vocabulary && count; i++) {
        if (!(logits[i] > logits[tokens[0]])) continue;
        tokens[0] = (int32_t)i;
        sift(logits, tokens, count, 0);
    }
}

void tt_largest_sort(const float *logits, int32_t *tokens, size_t count) {
    while (count > 1) {
        const int32_t least = tokens[0];
        tokens[0] = tokens[--count];
        tokens[count] = least;
        sift(logits, tokens, count, 0);
    }
}
