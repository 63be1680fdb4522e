/* grammar.h: writing prompts by the thousand from a small set of rules.
 *
 * {"start": "prompt", "rules": {"prompt": ["Write {piece} about {hero}.", ...], "piece": [...], ...}}: a rule is a list of
 * alternatives, and {name} in one stands for any alternative of the rule of that name. Each alternative is as likely as
 * the others of its rule; one that stands there twice is twice as likely, an empty one leaves nothing. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct tt_grammar tt_grammar;

/* Parses and checks a grammar: undefined and unused rules, references in a circle, braces that do not match, and rules that
 * could grow without measure are found here, so that every draw succeeds. `file` is what messages call it. */
tt_grammar *tt_grammar_parse(const char *file, const char *json, size_t length, tt_error *err);
void tt_grammar_free(tt_grammar *grammar);

/* In how many ways the start can be spelled out; UINT64_MAX stands for that many or more. */
uint64_t tt_grammar_count(const tt_grammar *grammar);

/* The text that belongs to `key`, without spaces at its ends; NULL when memory is short. The caller frees. */
char *tt_grammar_expand(const tt_grammar *grammar, uint64_t key, tt_error *err);
