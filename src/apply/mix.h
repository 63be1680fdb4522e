/* mix.h: a mix, such as "language=0.5,optimism_vs_nihilism=-0.3": what a user asks for. What it comes to is in blend.h.
 *
 * An axis brings its de-bias vector along, at full strength, and the side that its value's sign means at the value's size:
 * debias + |s| * side. Files may be named as well, with llama.cpp's meaning: each at its scale, nothing added. */
#pragma once

#include "apply/catalogue.h"
#include "vectors/vector.h"

/* One of name, file and vector is set. */
typedef struct tt_mix_term {
    char *name;        /* an axis or a class */
    char *file;        /* a vector's file */
    tt_vector *vector; /* rows of the caller's own */
    double value;      /* of the axis, or the scale of the file or the rows */
    bool share;        /* the value is a share of what is recommended towards that side: 1 is "max" */
} tt_mix_term;

typedef struct tt_mix {
    tt_mix_term *terms; /* in the order they were given, which does not matter */
    size_t count, capacity;
    uint32_t first_layer, last_layer; /* rows K outside are left out; 0: no limit (--control-vector-layer-range) */
} tt_mix;                             /* starts as `{0}`; ends with tt_mix_free */

void tt_mix_free(tt_mix *mix);

/* Adds "NAME=VALUE[,NAME=VALUE]...". A value is a number; or "max", what an evaluation recommends towards the positive side,
 * or a share of it such as "50%"; with a minus towards the negative side. Nothing is added when any part is wrong. */
bool tt_mix_parse(tt_mix *mix, const char *text, tt_error *err);

/* Adds one axis (or class) or one file. `value` must be finite. */
bool tt_mix_add_axis(tt_mix *mix, const char *name, double value, tt_error *err);
bool tt_mix_add_file(tt_mix *mix, const char *path, double scale, tt_error *err);

/* Adds a vector that is in memory: its rows at `scale`. It is copied. */
bool tt_mix_add_vector(tt_mix *mix, const tt_vector *vector, double scale, tt_error *err);

/* Adds all of `other`'s terms, or none. */
bool tt_mix_add_mix(tt_mix *mix, const tt_mix *other, tt_error *err);

/* Adds what llama.cpp's --control-vector FILE[,FILE]... means, or --control-vector-scaled FILE:SCALE[,FILE:SCALE]...
 * (`scaled`). As there, an item that holds a comma is put in double quotes. A colon in a file's name is no trouble here. */
bool tt_mix_parse_files(tt_mix *mix, const char *text, bool scaled, tt_error *err);

/* Sets --control-vector-layer-range FIRST LAST, both included; 0: no limit on that side. */
bool tt_mix_set_layers(tt_mix *mix, int64_t first, int64_t last, tt_error *err);

/* The term's value in the sign of `axis`, which it means with `sign` (tt_catalogue_find): a share becomes a number. Fails
 * where nothing is recommended. */
bool tt_mix_value(const tt_mix_term *term, const tt_catalogue_axis *axis, int sign, double *value, tt_error *err);

/* Makes numbers of all shares. A name that is not in the catalogue stays as it is. */
bool tt_mix_resolve(tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err);

/* Sets the axis that `name` means to `value`, whatever it was before. The catalogue tells which names are the same axis. */
bool tt_mix_set_axis(tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, const char *name,
                     double value, tt_error *err);

/* The mix as text: axes by name, then files, then the layers. With a catalogue classes become their axis' value. NULL when
 * memory is short or a name is not in the catalogue. The caller frees. */
char *tt_mix_text(const tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err);
