/* judge.h: which class of an axis a text is of, by asking the model about it afterwards.
 *
 * Behind the conversation in which a text was written, the user asks about it; what the model, unsteered, finds likely as an
 * answer is the text's score, in nats: the more, the more positive. The text is read once, whatever is asked about it. A
 * score by itself says little, as it leans to one answer or the other; differences between texts for the same prompt do.
 * `./dev bench ruler` measures how often each form is right about passages whose class is known. */
#pragma once

#include "model/chat.h"
#include "model/score.h"
#include "prompts/axis.h"

/* A question, one of its answers, and what the answer's log-probability counts in the score. */
typedef struct tt_probe {
    tt_tokens question; /* what follows a text: the turn's end, the question, the beginning of the answer */
    tt_tokens answer;
    double weight;
} tt_probe;

typedef struct tt_judge {
    tt_probe *probes;
    size_t count;
} tt_judge; /* freed by tt_judge_free */

/* The forms of judging: how many there are, what each is called, and the one that is used. */
size_t tt_judging_count(void);
const char *tt_judging_name(size_t form);
size_t tt_judging_usual(void);

/* The questions of `form` about `axis`, laid out by `chat`. */
bool tt_judge_make(tt_judge *judge, const tt_chat *chat, const tt_axis *axis, size_t form, tt_error *err);
void tt_judge_free(tt_judge *judge); /* harmless on `{0}` */

/* The texts to score for `response`, which was written behind `prompt`: one a probe, into `texts`, which has room for them.
 * Their answers are the judge's; the caller frees their prompts. */
bool tt_judge_texts(const tt_judge *judge, const tt_tokens *prompt, const tt_tokens *response, tt_score_text *texts,
                    tt_error *err);

/* The score from those texts' log-likelihoods. */
double tt_judge_score(const tt_judge *judge, const double *log_likelihoods);
