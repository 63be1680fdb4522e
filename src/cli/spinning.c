/* spinning.c: see spinning.h */
#include "cli/spinning.h"
#include "base/cores.h"
#include "cli/shared_options.h"

#include <stdlib.h>
#include <unistd.h>

/* Short: long enough for a thread that is a few microseconds behind, too short to matter to others. Long: GNU OpenMP's own
 * default. */
static const char short_spin[] = "1000", long_spin[] = "300000";

static bool uses_model(const tt_command *command) {
    const tt_option_group *group;
    for (size_t i = 0; (group = tt_command_group(command, i)); i++) {
        if (group == &tt_model_group) return true;
    }
    return false;
}

void tt_spinning_set(const tt_arguments *arguments, char *const *argv) {
    if (!uses_model(arguments->command) || getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    const int64_t threads = tt_argument_given(arguments, "-t") ? tt_argument_count(arguments, "-t") : tt_cores_available();
    if (threads < 2) return;
    const bool mostly_prompts = arguments->command->purpose != TT_PURPOSE_APPLY;
    const bool brief =
        mostly_prompts || tt_cores_wanted() + threads > tt_cores_available(); /* a busy machine's look takes 20 ms */
    if (setenv("GOMP_SPINCOUNT", brief ? short_spin : long_spin, 0) == 0) execv("/proc/self/exe", argv);
}
