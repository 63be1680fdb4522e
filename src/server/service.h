/* service.h: what a running server has to answer with: the parts that protocols work with. */
#pragma once

#include "server/errands.h"
#include "server/metrics.h"
#include "server/request.h"
#include "server/scheduler.h"

typedef struct tt_service {
    tt_model *model;
    tt_request_world world; /* what requests are checked against */
    tt_mixes *mixes;
    tt_scheduler *scheduler;
    tt_errands *errands; /* read vector files, and look after connections */
    tt_errands *renders; /* lay out conversations, as long as that takes */
    atomic_bool ending;  /* no more is rendered */
    tt_metrics metrics;
    char *model_name;
    size_t waiting_most; /* requests whose steering may be waited for */
    int64_t created;     /* seconds since 1970 */
} tt_service;
