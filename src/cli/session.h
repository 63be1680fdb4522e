/* session.h: a model opened for talking to, and what it is talked to with: what `trimtab run` and its chat share. */
#pragma once

#include "cli/conversation.h"
#include "cli/mix_options.h"
#include "cli/sampling_options.h"
#include "model/generate.h"
#include "model/thinking.h"
#include "terminal/options.h"

#include <stdio.h>

/* --reasoning: thinking as the template has it, shown; on or off, shown; as it has it, hidden. */
enum { TT_REASONING_AUTO, TT_REASONING_ON, TT_REASONING_OFF, TT_REASONING_HIDE };

typedef struct tt_session {
    const tt_arguments *arguments;
    tt_engine *engine;
    tt_model *model;
    tt_chat *chat; /* NULL: text without a template (-no-cnv) */
    tt_generator *generator;
    tt_sampler *sampler;
    tt_vector_target target; /* the model, as the mix must fit it */
    tt_mixer *mix;
    int64_t limit; /* tokens an answer may have; negative: no limit */
    bool steered;  /* whether the mix is applied now */
} tt_session;

/* Opens all that the options name. The steering is applied. Ended with tt_session_close, also after a failure. */
bool tt_session_open(tt_session *session, const tt_arguments *arguments, bool raw, tt_error *err);
void tt_session_close(tt_session *session);

/* Applies the mix as it is now, or takes it off. */
bool tt_session_steer(tt_session *session, bool steered, tt_error *err);

typedef struct tt_answer {
    char *text; /* what was said, also where it was stopped; owned */
    tt_generated generated;
    bool interrupted; /* by Ctrl-C */
} tt_answer;          /* ends with free(text) */

/* What the model is to write on behind. */
typedef struct tt_session_prompt {
    char *text;           /* owned */
    tt_thinking thinking; /* how the answer is taken apart */
} tt_session_prompt;      /* starts as `{0}`; ends with tt_session_prompt_free */

/* The conversation in the model's chat template. */
bool tt_session_prompt_of(const tt_session *session, const tt_conversation *conversation, tt_session_prompt *prompt,
                          tt_error *err);
void tt_session_prompt_free(tt_session_prompt *prompt);

/* Writes on behind `prompt`. `stream` shows the text as it comes, and what the model thinks goes to standard error unless it
 * is to be hidden; NULL: silently. The answer's text is what was said. */
bool tt_session_write(tt_session *session, const tt_session_prompt *prompt, FILE *stream, tt_answer *answer, tt_error *err);

/* The same behind a conversation, in the model's chat template. */
bool tt_session_answer(tt_session *session, const tt_conversation *conversation, FILE *stream, tt_answer *answer,
                       tt_error *err);

/* Says on standard error how an answer ended, where that needs a word, and its speed where --perf asks for it. */
void tt_session_remark(const tt_session *session, const tt_answer *answer);
