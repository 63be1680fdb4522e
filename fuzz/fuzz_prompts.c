/* fuzz_prompts.c: writing prompts from anywhere. An input that begins with '{' is a grammar, from which prompts are drawn;
 * any other is a text of one prompt a line, all of which are read back. */
#include "base/text.h"
#include "prompts/grammar.h"
#include "prompts/prompt_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds) {
    if (!holds) abort();
}

static void try_grammar(const char *bytes, size_t size) {
    tt_error err = {0};
    tt_grammar *grammar = tt_grammar_parse("input.json", bytes, size, &err);
    demand(grammar || (err.message[0] && !strchr(err.message, '\n')));
    for (uint64_t key = 0; grammar && key < 8; key++) {
        char *text = tt_grammar_expand(grammar, key, &err), *again = tt_grammar_expand(grammar, key, &err);
        demand(text && again && strcmp(text, again) == 0);
        demand(strlen(text) <= 65536 && !strpbrk(text, "{}\n") && tt_utf8_valid(text, strlen(text), NULL));
        free(text);
        free(again);
    }
    tt_grammar_free(grammar);
}

/* By way of a pipe, which holds as much as libFuzzer makes up. */
static tt_prompt_lines *lines_of(const char *bytes, size_t size, tt_error *err) {
    int ends[2];
    char path[32];
    demand(!pipe(ends) && write(ends[1], bytes, size) == (ssize_t)size && !close(ends[1]));
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    tt_prompt_lines *lines = tt_prompt_lines_open(path, NULL, err);
    close(ends[0]);
    return lines;
}

static void try_lines(const char *bytes, size_t size) {
    tt_error err = {0};
    if (size > 65536) return;
    tt_prompt_lines *lines = lines_of(bytes, size, &err);
    demand(lines || (err.message[0] && !strchr(err.message, '\n')));
    const uint64_t count = lines ? tt_prompt_lines_facts_of(lines)->count : 0;
    demand(!lines || count);
    for (uint64_t i = 0; i < count && i < 256; i++) {
        char *text = tt_prompt_lines_read(lines, i, &err);
        demand(text && text[0] && !strpbrk(text, "\n\r") && tt_utf8_valid(text, strlen(text), NULL));
        free(text);
    }
    tt_prompt_lines_free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size && data[0] == '{')
        try_grammar((const char *)data, size);
    else
        try_lines((const char *)data, size);
    return 0;
}
