/* session.h: a model opened for talking to, and what it is talked to with: what `trimtab run` and its chat share. */
#pragma once

#include "cli/conversation.h"
#include "cli/mix_options.h"
#include "cli/sampling_options.h"
#include "terminal/options.h"

#include <stdio.h>

/* --reasoning: thinking as the template has it, shown; on or off, shown; as it has it, hidden. */
enum { TT_REASONING_AUTO, TT_REASONING_ON, TT_REASONING_OFF, TT_REASONING_HIDE };

typedef struct tt_session {
    const tt_arguments *arguments;
    trimtab *t;
    trimtab_sampling *sampling;
    trimtab_mix *mix;
} tt_session;

/* Opens all that the options name. The steering is applied. Ended with tt_session_close, also after a failure. */
bool tt_session_open(tt_session *session, const tt_arguments *arguments, tt_error *err);
void tt_session_close(tt_session *session);

/* Applies the mix as it is now, or takes it off. */
bool tt_session_steer(tt_session *session, bool steered, tt_error *err);

/* Writes on behind `prompt`; or, where that is NULL, says `content` in `chat` and writes the answer. `stream` shows what is
 * said as it comes, and what the model thinks goes to standard error unless it is to be hidden; NULL: silently. The caller
 * frees the answer. Every answer of a session is written with one seed. */
bool tt_session_write(tt_session *session, const trimtab_prompt *prompt, FILE *stream, trimtab_answer **answer,
                      tt_error *err);
bool tt_session_say(tt_session *session, trimtab_chat *chat, const char *content, FILE *stream, trimtab_answer **answer,
                    tt_error *err);

/* Whether Ctrl-C ended it. */
bool tt_session_interrupted(const trimtab_answer *answer);

/* Says on standard error how an answer ended, where that needs a word, and its speed where --perf asks for it. */
void tt_session_remark(const tt_session *session, const trimtab_answer *answer);
