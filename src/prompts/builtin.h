/* builtin.h: the axes, stems, writing-prompt grammar and passages of the folder axes/, embedded in the program. */
#pragma once

#include <stddef.h>

typedef struct tt_builtin {
    const char *name;  /* "language" */
    const char *file;  /* "axes/language.json": its name in messages */
    const char *bytes; /* the unchanged file: not zero-terminated */
    size_t length;
} tt_builtin;

/* The axes, in listing order: by group. */
size_t tt_builtin_axis_count(void);
const tt_builtin *tt_builtin_axis(size_t index);

const tt_builtin *tt_builtin_stems(void);
const tt_builtin *tt_builtin_writing_prompts(void);
const tt_builtin *tt_builtin_passages(void);
