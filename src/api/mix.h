/* mix.h: what stands behind a trimtab_mix. */
#pragma once

#include "api/vector.h"
#include "apply/mixer.h"
#include "apply/target.h"

struct trimtab_mix {
    trimtab_mix_facts facts;
    tt_mixer *mixer;
    tt_vector_target target; /* what its vectors must fit, where a model was named */
    tt_target file;          /* of `model_file` */
    char *folder, *model_file;
    struct trimtab_vector sum, *parts; /* views of the mixer's */
};
