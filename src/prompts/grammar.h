/* grammar.h: writing prompts by the thousand from a small set of rules.
 *
 * {"start": "prompt", "rules": {"prompt": ["Write {piece} about {hero}.", ...], "piece": [...], ...}}: a rule is a list
 * of alternatives, and {name} in an alternative stands for any alternative of the rule of that name. The alternatives of
 * a rule are equally likely; one that is listed twice is twice as likely, an empty one leaves nothing. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tt_grammar tt_grammar;

/* Parses and checks a grammar. It finds undefined and unused rules, circular references, unmatched braces, and rules that
 * could grow without limit, so that every draw succeeds. `file` is its name in messages. */
tt_grammar *tt_grammar_parse(const char *file, const char *json, size_t length, tt_error *err);
void tt_grammar_free(tt_grammar *grammar);

/* The number of ways to spell out the start; UINT64_MAX means that many or more. */
uint64_t tt_grammar_count(const tt_grammar *grammar);

/* The text that belongs to `key`, without spaces at its ends; NULL when out of memory. The caller frees it. */
char *tt_grammar_expand(const tt_grammar *grammar, uint64_t key, tt_error *err);
