/* writer.h: writes one text: chooses tokens from logits, turns them into whole characters, and ends at stop texts and
 * limits, with a report on each token if requested. It knows nothing of contexts and clients: the code that computes the
 * logits (slots.h) passes them in and takes the text out. */
#pragma once

#include "base/text.h"
#include "model/pieces.h"
#include "model/sampling.h"
#include "model/token.h"

/* How to write the text. */
typedef struct tt_writing {
    int64_t limit;      /* tokens; negative: until the text ends */
    char *const *stops; /* [stop_count], borrowed, none empty: the text ends before the first of them */
    size_t stop_count;
    int top_tokens; /* how many likeliest tokens to report with each token; -1: no reports */
    bool steered;   /* perhaps too strongly */
} tt_writing;

typedef enum tt_finish { TT_FINISH_NOT_YET, TT_FINISH_STOP, TT_FINISH_LENGTH } tt_finish;

typedef struct tt_token_report {
    char bytes[TT_TOKEN_BYTES];
    size_t length;
    float log_probability; /* the model's own, before any sampler */
    tt_likely_token top[TT_TOP_TOKENS_MOST];
    size_t text_offset; /* in bytes of the text */
} tt_token_report;

typedef struct tt_writer {
    const tt_model *model;
    tt_writing how;
    tt_sampler *sampler;
    tt_pieces pieces;
    tt_text text; /* all of it, including the part not yet released */
    size_t told;  /* bytes of it that cannot begin a stop text, and may be sent */
    tt_token_report *reports;
    size_t report_count, report_capacity;
    int64_t written; /* tokens */
    tt_finish finish;
} tt_writer; /* starts as `{0}`, with `model`, `how` and `sampler`, which is the caller's; ends with tt_writer_free */

void tt_writer_free(tt_writer *writer);

/* Chooses the next token, `*token`, from `logits`. Afterwards `writer->finish` says whether the text continues. Fails
 * with TT_ERROR_MODEL if the logits are NaN. */
bool tt_writer_choose(tt_writer *writer, const float *logits, int32_t *token, tt_error *err);

/* Ends the text as it is, for lack of room or time, with TT_FINISH_LENGTH. */
bool tt_writer_cut(tt_writer *writer, tt_error *err);
