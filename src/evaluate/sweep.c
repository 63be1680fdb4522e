/* sweep.c: see sweep.h */
#include "evaluate/sweep.h"

/* Vectors that are not through by then are too short to say anything; those too strong below are scaled wrongly. */
static const double largest = 64, smallest = 1.0 / 16;

size_t tt_sweep_begin(bool quick, double sizes[static TT_SWEEP_FIRST]) {
    size_t count = 0;
    sizes[count++] = 1;
    sizes[count++] = 2;
    if (!quick) sizes[count++] = 3;
    sizes[count++] = 4;
    return count;
}

size_t tt_sweep_next(const double *sizes, const bool *sound, size_t count, bool quick, double next[static TT_SWEEP_MORE]) {
    if (!count) return 0;
    size_t more = 0;
    const double most = sizes[count - 1], least = sizes[0];
    if (sound[count - 1] && most < largest) {
        if (!quick) next[more++] = 1.5 * most;
        next[more++] = 2 * most;
    } else if (!sound[0] && least > smallest) {
        next[more++] = least / 2;
        if (!quick) next[more++] = least / 4;
    }
    return more;
}
