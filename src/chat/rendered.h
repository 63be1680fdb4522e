/* rendered.h: what a template does with conversations: prompts, and what reading their answers takes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct tt_template_facts {
    bool thinking;     /* it knows of thinking, which `enable_thinking` turns on and off */
    bool folds_system; /* it refuses or drops a system message, whose text is put in front of a user message instead */
} tt_template_facts;

/* A prompt, and what reading its answer takes. */
typedef struct tt_rendered {
    char *prompt;
    char *generation_prompt; /* the end of it that is not the conversation's: what the answer begins with */
    bool thinks;             /* the template knows of thinking, */
    bool thinking_opened;    /* and the prompt ends inside it */
    char *thinking_start;    /* the mark that thinking begins with; "" for none */
    char **thinking_ends;    /* the marks that it ends with */
    size_t thinking_end_count;
    char **stops; /* what the answer ends at besides the model's own tokens */
    size_t stop_count;
    char **preserved; /* control tokens that an answer must keep in order to be read */
    size_t preserved_count;
    char *format;                             /* the name of the form that tool calls have */
    int format_number;                        /* with the two below: what tt_template_parse takes */
    char *parser;                             /* how an answer is read */
    char *grammar;                            /* where tools or a schema ask for one, in GBNF; "" for none */
    bool grammar_lazy;                        /* it counts from one of the triggers on */
    char *triggers;                           /* JSON: [{"type": N, "value": TEXT}...], N being llama.cpp's */
} tt_rendered;                                /* ends with tt_rendered_free */
void tt_rendered_free(tt_rendered *rendered); /* harmless on `{0}` */
