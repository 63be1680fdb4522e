/* helper_process.h: the process that lays out conversations (helper/), as a function from one line to another.
 *
 * It is started when first needed, and kept. It inherits nothing from this process except the two ends of the channel,
 * limits itself (helper/limits.cpp), and is ended if it does not answer in time. */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct tt_helper {
    int channel;     /* our end; -1: not running */
    int process;     /* its id */
    double deadline; /* seconds allowed for an answer */
    char *program;   /* owned */
} tt_helper;         /* starts with tt_helper_init; ends with tt_helper_close */

/* Finds the program: TRIMTAB_CHAT_HELPER, or where it was built or installed. */
bool tt_helper_init(tt_helper *helper, tt_error *err);
void tt_helper_close(tt_helper *helper);

bool tt_helper_running(const tt_helper *helper);

/* Starts it unless it is running. */
bool tt_helper_start(tt_helper *helper, tt_error *err);

typedef enum tt_helper_outcome {
    TT_HELPER_ANSWERED,
    TT_HELPER_DIED,   /* before its answer was complete */
    TT_HELPER_LATE,   /* the deadline passed */
    TT_HELPER_WORDY,  /* the answer is longer than any useful one */
    TT_HELPER_FAILED, /* on this side; the error says why */
} tt_helper_outcome;

/* Sends `line`, which ends in a newline, waits for a line in return, and puts it into `answer` without its newline. Any
 * other outcome ends the process, so that the next request gets a new one. */
tt_helper_outcome tt_helper_ask(tt_helper *helper, const char *line, size_t length, tt_text *answer, tt_error *err);
