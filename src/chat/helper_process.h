/* helper_process.h: the process that lays out conversations (helper/), as a thing that takes a line and gives a line back.
 *
 * It is started when it is first needed and kept. It gets nothing of this process but the two ends of its exchange, bounds
 * itself (helper/limits.cpp), and is ended where it does not answer in time. */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct tt_helper {
    int channel;     /* our end; -1: it is not running */
    int process;     /* its id */
    double deadline; /* seconds that an answer may take */
    char *program;   /* owned */
} tt_helper;         /* starts with tt_helper_init; ends with tt_helper_close */

/* Looks for the program: TRIMTAB_CHAT_HELPER, else where it is built or installed. */
bool tt_helper_init(tt_helper *helper, tt_error *err);
void tt_helper_close(tt_helper *helper);

bool tt_helper_running(const tt_helper *helper);

/* Starts it, unless it runs. */
bool tt_helper_start(tt_helper *helper, tt_error *err);

typedef enum tt_helper_outcome {
    TT_HELPER_ANSWERED,
    TT_HELPER_DIED,   /* before its answer was complete */
    TT_HELPER_LATE,   /* the deadline passed */
    TT_HELPER_WORDY,  /* the answer is longer than any that can be of use */
    TT_HELPER_FAILED, /* on this side; the error says how */
} tt_helper_outcome;

/* Hands over `line`, which ends in a newline, and waits for the line that comes back, which goes into `answer` without its
 * newline. Whatever does not come to an answer ends the process, so that the next request gets a new one. */
tt_helper_outcome tt_helper_ask(tt_helper *helper, const char *line, size_t length, tt_text *answer, tt_error *err);
