/* remote.h: other machines' processors as devices of this one, through ggml's RPC backend: for a model too big for one. */
#pragma once

#include "base/error.h"

/* Makes every ggml-rpc-server of `servers` ("HOST:PORT,...") a device. Fails if one does not answer, or the backend is
 * not installed. */
bool tt_remote_add(const char *servers, tt_error *err);
