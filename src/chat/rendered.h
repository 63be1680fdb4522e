/* rendered.h: what a template makes of conversations: prompts, and what is needed to read their answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct tt_template_facts {
    bool thinking;     /* it supports thinking, which `enable_thinking` turns on and off */
    bool folds_system; /* it refuses or drops a system message; its text then goes in front of a user message */
} tt_template_facts;

/* A prompt, and what is needed to read its answer. */
typedef struct tt_rendered {
    char *prompt;
    char *generation_prompt; /* its end after the conversation: the beginning of the answer */
    bool thinks;             /* the template supports thinking, */
    bool thinking_opened;    /* and the prompt ends inside it */
    char *thinking_start;    /* the mark that begins thinking; "" for none */
    char **thinking_ends;    /* the marks that end it */
    size_t thinking_end_count;
    char **stops; /* texts that end the answer, besides the model's own tokens */
    size_t stop_count;
    char **preserved; /* control tokens that an answer must keep so that it can be read */
    size_t preserved_count;
    char *format;                             /* the name of the format of tool calls */
    int format_number;                        /* with the two below: needed by tt_template_parse */
    char *parser;                             /* how an answer is read */
    char *grammar;                            /* if tools or a schema need one, in GBNF; "" for none */
    bool grammar_lazy;                        /* it applies only after one of the triggers */
    char *triggers;                           /* JSON: [{"type": N, "value": TEXT}...], N being llama.cpp's */
} tt_rendered;                                /* ends with tt_rendered_free */
void tt_rendered_free(tt_rendered *rendered); /* harmless on `{0}` */
