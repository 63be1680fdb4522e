/* openai.h: what of OpenAI's API other files need: its requests, for the fuzzer. */
#pragma once

#include "server/request.h"

/* Reads the body of /v1/chat/completions (`chat`) or /v1/completions. On success freed with tt_request_free; on failure
 * nothing is left. */
bool tt_openai_parse(tt_request *request, const tt_request_world *world, bool chat, const char *body, size_t length,
                     tt_refusal *refusal);
