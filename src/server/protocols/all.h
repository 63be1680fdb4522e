/* all.h: the protocols that a server speaks, in the order in which their paths are looked up. */
#pragma once

#include "server/protocol.h"

extern const tt_protocol tt_protocol_openai, tt_protocol_llama, tt_protocol_trimtab;

static const tt_protocol *const tt_protocols[] = {&tt_protocol_openai, &tt_protocol_llama, &tt_protocol_trimtab};
