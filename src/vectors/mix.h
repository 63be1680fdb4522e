/* mix.h: a mix, such as "language=0.5,optimism_vs_nihilism=-0.3": what a user asks for, and the one vector it comes to.
 *
 * An axis brings its de-bias vector along, at full strength, and the side that its value's sign means at the value's size:
 * debias + |s| * side. Files may be named as well, with llama.cpp's meaning: each at its scale, nothing added. */
#pragma once

#include "vectors/catalogue.h"
#include "vectors/vector.h"

/* ==== What is asked for ==== */

typedef struct tt_mix_term {
    char *name;   /* an axis or a class; NULL for a file */
    char *file;   /* NULL for an axis */
    double value; /* of the axis, or the file's scale */
} tt_mix_term;

typedef struct tt_mix {
    tt_mix_term *terms; /* in the order they were given, which does not matter */
    size_t count, capacity;
    uint32_t first_layer, last_layer; /* rows K outside are left out; 0: no limit (--control-vector-layer-range) */
} tt_mix;                             /* starts as `{0}`; ends with tt_mix_free */

void tt_mix_free(tt_mix *mix);

/* Adds "NAME=VALUE[,NAME=VALUE]...". Nothing is added when any part is wrong. */
bool tt_mix_parse(tt_mix *mix, const char *text, tt_error *err);

/* Adds one axis (or class) or one file. `value` must be finite. */
bool tt_mix_add_axis(tt_mix *mix, const char *name, double value, tt_error *err);
bool tt_mix_add_file(tt_mix *mix, const char *path, double scale, tt_error *err);

/* Adds what llama.cpp's --control-vector FILE[,FILE]... means, or --control-vector-scaled FILE:SCALE[,FILE:SCALE]...
 * (`scaled`). As there, an item that holds a comma is put in double quotes. A colon in a file's name is no trouble here. */
bool tt_mix_parse_files(tt_mix *mix, const char *text, bool scaled, tt_error *err);

/* Sets --control-vector-layer-range FIRST LAST, both included; 0: no limit on that side. */
bool tt_mix_set_layers(tt_mix *mix, int64_t first, int64_t last, tt_error *err);

/* Sets the axis that `name` means to `value`, whatever it was before. The catalogue tells which names are the same axis. */
bool tt_mix_set_axis(tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, const char *name,
                     double value, tt_error *err);

/* ==== What it comes to ==== */

/* One file's part in a mix. */
typedef struct tt_mix_part {
    tt_vector vector;
    double scale;
    const tt_catalogue_axis *axis; /* the axis it was added for (the catalogue's); NULL for a file named by the user */
} tt_mix_part;

typedef struct tt_blend {
    tt_vector vector; /* the sum: role TT_ROLE_MIX, the mix in its usual form in `recipe`. Without a term and a target it has
                         no rows and width 0 */
    tt_mix_part *parts; /* by path, then by scale */
    size_t part_count;
    size_t axis_count; /* axes (and sides named as files) whose value is not 0 */
    double largest;    /* the largest of their values' sizes; 0 without any */
    double safe_scale; /* what `largest` may be, at these proportions (compare.h); INFINITY without any */
    tt_notes warnings;
} tt_blend;

typedef struct tt_mix_options {
    const tt_catalogue *catalogue; /* where axes are found; NULL: the mix may hold files alone */
    const tt_vector_target
        *target; /* the model it is for; NULL: not known, then its vectors must at least fit one another */
    bool force;  /* what is refused for being unwise becomes a warning, where the numbers still fit */
} tt_mix_options;

/* Reads the vectors and adds them up, in double precision and in an order that depends on the files alone. Refused, unless
 * forced: a side without its de-bias vector, both sides of one axis, a vector that is there twice, one of another model, one
 * of absurd size. Refused always: another width, a layer that the model does not have, a sum that is not finite. */
bool tt_mix_blend(tt_blend *blend, const tt_mix *mix, const tt_mix_options *options, tt_error *err);
void tt_blend_free(tt_blend *blend); /* harmless on `{0}` */

/* The mix as text: axes by name, then files, then the layers. With a catalogue classes become their axis' value. NULL when
 * memory is short or a name is not in the catalogue. The caller frees. */
char *tt_mix_text(const tt_mix *mix, const tt_catalogue *catalogue, const tt_vector_target *target, tt_error *err);
