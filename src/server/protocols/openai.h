/* openai.h: answers as OpenAI's clients expect them: one JSON body, or a stream of server-sent events. */
#pragma once

#include "server/job.h"

/* Appends the event that tells text [from, to) and the token reports [first, last) of answer `index`. */
void tt_openai_event(const tt_job *job, size_t index, size_t from, size_t to, size_t first, size_t last, tt_text *output);

/* The event that tells the end of answer `index`, and those at the end of the stream. */
void tt_openai_finish_event(const tt_job *job, size_t index, tt_text *output);
void tt_openai_end_events(const tt_job *job, tt_text *output);

/* The event that tells of a failure in the middle of a stream. */
void tt_openai_error_event(const tt_refusal *refusal, tt_text *output);

/* The body of an answer that is not streamed. */
void tt_openai_body(const tt_job *job, tt_text *output);
