/* answer.h: what a request asks for as a text in the making (model/writer.h). No HTTP, no JSON, no scheduling. */
#pragma once

#include "model/writer.h"
#include "server/request.h"

typedef tt_writer tt_answer; /* starts as `{0}`; ends with tt_answer_free */

/* `request` must outlive the answer. The seed of answer `index` is the request's, plus `index`, so that several differ. */
bool tt_answer_open(tt_answer *answer, const tt_model *model, const tt_request *request, size_t index,
                    const tt_tokens *prompt, tt_error *err);
void tt_answer_free(tt_answer *answer);

/* tt_writer_choose, which fails with TT_ERROR_INPUT where the mix is to blame: it is the client's. */
bool tt_answer_choose(tt_answer *answer, const float *logits, int32_t *token, tt_error *err);
