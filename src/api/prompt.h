/* prompt.h: what stands behind a trimtab_prompt. */
#pragma once

#include "api/handle.h"
#include "model/thinking.h"

typedef struct tt_api_prompt {
    trimtab_prompt shown; /* first: it is what the caller has */
    char *text;
    tt_tokens tokens;
    tt_rendered rendered; /* nothing, of a raw prompt */
    tt_thinking thinking; /* how the answer is taken apart */
} tt_api_prompt;
