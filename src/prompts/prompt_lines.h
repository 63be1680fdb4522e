/* prompt_lines.h: a user's own writing prompts: a text file, one prompt a line.
 *
 * Lines may end in CR LF, blank lines are skipped, and spaces at the ends are dropped. The file may be larger than
 * memory: it is read through once, then each line is fetched when it is drawn. A table with the place of every n-th line
 * makes that quick; n doubles whenever the table would outgrow its limit. */
#pragma once

#include "base/error.h"
#include "base/hash.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tt_prompt_lines tt_prompt_lines;

/* What the plan needs to know about the lines. */
typedef struct tt_prompt_lines_facts {
    uint64_t count;           /* prompts, at least 1 */
    uint64_t least, greatest; /* the smallest and the largest tt_partition_key, */
    uint64_t least_at;        /* the number of a prompt with that key */
    uint64_t greatest_at;
    char hash[TT_HASH_TEXT]; /* of all prompts, in order */
} tt_prompt_lines_facts;

/* Opens and reads through a file. Errors name the line that is not UTF-8, has control characters or is too long; a file
 * without prompts is an error, too. A source that is not a regular file (a pipe) is kept in memory. The file must not
 * change while it is open. Fails with TT_ERROR_INTERRUPTED soon after `*cancel` becomes true; `cancel` NULL: never. */
tt_prompt_lines *tt_prompt_lines_open(const char *path, const atomic_bool *cancel, tt_error *err);

void tt_prompt_lines_free(tt_prompt_lines *lines);
const tt_prompt_lines_facts *tt_prompt_lines_facts_of(const tt_prompt_lines *lines);

/* Prompt `number`, from 0. The caller frees it. Fails if the file can no longer be read, or has changed. Safe to call
 * from several threads. */
char *tt_prompt_lines_read(const tt_prompt_lines *lines, uint64_t number, tt_error *err);
