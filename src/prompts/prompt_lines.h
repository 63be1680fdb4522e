/* prompt_lines.h: a user's own writing prompts: a text file, one prompt a line.
 *
 * Lines may end in CR LF, blank ones do not count, spaces at the ends are dropped. The file may be larger than the memory:
 * it is read through once, then a line is fetched when it is drawn. A table with the place of every n-th line keeps that
 * quick; n doubles whenever the table would outgrow its bound. */
#pragma once

#include "base/error.h"
#include "base/hash.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tt_prompt_lines tt_prompt_lines;

/* The whole of what the plan wants to know about the lines. */
typedef struct tt_prompt_lines_facts {
    uint64_t count;           /* prompts, at least 1 */
    uint64_t least, greatest; /* the smallest and the largest tt_partition_key among them, */
    uint64_t least_at;        /* and the number of a prompt that has it */
    uint64_t greatest_at;
    char hash[TT_HASH_TEXT]; /* of all prompts, in their order */
} tt_prompt_lines_facts;

/* Opens and reads through a file. Errors name the line: not UTF-8, control characters, too long; or no prompts at all. What
 * is no regular file (a pipe) is kept in memory. The file must not change while it is open. Ends with TT_ERROR_INTERRUPTED
 * soon after `*cancel` has become true; `cancel` NULL: nothing ends it. */
tt_prompt_lines *tt_prompt_lines_open(const char *path, const atomic_bool *cancel, tt_error *err);

void tt_prompt_lines_free(tt_prompt_lines *lines);
const tt_prompt_lines_facts *tt_prompt_lines_facts_of(const tt_prompt_lines *lines);

/* Prompt `number`, from 0; the caller frees. Fails when the file can no longer be read, or was changed. Calls may come from
 * several threads. */
char *tt_prompt_lines_read(const tt_prompt_lines *lines, uint64_t number, tt_error *err);
