/* message.h: one message of a conversation. */
#pragma once

typedef struct tt_message {
    const char *role; /* "system", "user" or "assistant" */
    const char *content;
} tt_message;
