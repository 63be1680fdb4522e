/* spinning.c: see spinning.h */
#include "terminal/spinning.h"
#include "base/cores.h"

#include <stdlib.h>
#include <unistd.h>

/* Short: enough for a thread that is a few microseconds behind, too short to disturb other programs. Long: GNU OpenMP's
 * own default. */
static const char short_spin[] = "1000", long_spin[] = "300000";

void tt_spinning_set(int64_t threads, bool mostly_prompts, char *const *argv) {
    if (threads < 2 || getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    const bool brief =
        mostly_prompts || tt_cores_wanted() + threads > tt_cores_available(); /* on a busy machine the check takes 20 ms */
    if (setenv("GOMP_SPINCOUNT", brief ? short_spin : long_spin, 0) == 0) execv("/proc/self/exe", argv);
}
