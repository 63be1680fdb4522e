/* dispatch.h: a request on its way to be computed: its steering is made first, in the thread for errands where files must be
 * read. */
#pragma once

#include "server/service.h"

/* Hands a job over: from now on its delivery has what becomes of it. False (503) where too many wait already; the reference
 * stays the caller's. */
bool tt_dispatch(tt_service *service, tt_job *job, tt_refusal *refusal);

/* Makes the steering of `recipe` (a reference is taken), sets it as the server's default, and delivers `body` (taken) or the
 * reason why not. NULL where it cannot even begin, with the reason in `refusal`. The reference is the caller's. */
tt_delivery *tt_dispatch_default(tt_service *service, const tt_form *form, tt_recipe *recipe, tt_refusal *refusal);
