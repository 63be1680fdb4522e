/* openai.h: what the files of OpenAI's API share; its requests are read by the fuzzer, too. */
#pragma once

#include "server/job.h"
#include "server/request.h"

/* Reads the body of /v1/chat/completions (`chat`) or /v1/completions. On success freed with tt_request_free; on failure
 * nothing is left. */
bool tt_openai_parse(tt_request *request, const tt_request_world *world, bool chat, const char *body, size_t length,
                     tt_refusal *refusal);

/* Adds the log-probabilities of tokens [first, last) of answer `index` to `choice`; null if none were asked for. */
void tt_openai_add_reports(const tt_job *job, size_t index, size_t first, size_t last, yyjson_mut_doc *doc,
                           yyjson_mut_val *choice);
