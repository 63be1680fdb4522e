/* inspect.c: `trimtab inspect`: reads the files and the mix that are asked for. They are shown by inspect_print.c,
 * inspect_json.c and inspect_svg.c. */
#include "cli/inspect.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "terminal/print_json.h"
#include "vectors/compare.h"

#include <math.h>
#include <stdlib.h>

static const tt_option options[] = {
    {"--layer", .kind = TT_OPTION_COUNT, .argument = "K", .least = 1, .most = TT_LAYERS_MOST,
     .preset_text = "all layers, taken together", .help = "compare several files at this layer"},
    {"--json", .help = "print all figures as JSON"},
    {"--svg", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "also draw a figure: lengths and ratios, and how alike the files are"},
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "the model that the mix is for"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

/* ==== What the others ask ==== */

double tt_inspected_cosine(const tt_inspected *inspected, size_t i, size_t j, uint32_t K) {
    const tt_vector *a = &inspected->vectors[i], *b = &inspected->vectors[j];
    return a->width == b->width ? tt_vector_cosine(a, b, K) : NAN;
}

/* The block that row K was measured at. Files that do not tell the offset are taken to have trimtab's own. */
static uint32_t block_of_row(const tt_vector *vector, uint32_t K) { return vector->layer_offset == 0 ? K : K - 1; }

const tt_block_figures *tt_figures_of_row(const tt_vector *vector, uint32_t K) {
    for (size_t i = 0; i < vector->figure_count; i++)
        if (vector->figures[i].block == block_of_row(vector, K)) return &vector->figures[i];
    return NULL;
}

/* ==== The command ==== */

static bool read_files(const tt_arguments *arguments, tt_inspected *inspected, tt_error *err) {
    if (arguments->operand_count > TT_INSPECT_MOST)
        return tt_fail(err, TT_ERROR_USAGE, "%zu files are too many at once: name at most %d", arguments->operand_count,
                       TT_INSPECT_MOST);
    if (!(inspected->vectors = tt_alloc(arguments->operand_count, sizeof *inspected->vectors, err))) return false;
    for (size_t i = 0; i < arguments->operand_count; i++) {
        tt_vector *vector = &inspected->vectors[i];
        if (!tt_vector_read(vector, arguments->operands[i], err)) return false;
        inspected->count++;
        if (vector->layer_count > inspected->layers) inspected->layers = vector->layer_count;
    }
    return true;
}

static bool show(const tt_arguments *arguments, tt_inspected *inspected, tt_error *err) {
    if (tt_argument_given(arguments, "--layer")) inspected->at = (uint32_t)tt_argument_count(arguments, "--layer");
    if (inspected->at && inspected->count && inspected->at >= inspected->layers)
        return tt_fail(err, TT_ERROR_USAGE, "there is no layer %u: the last one is %u", inspected->at,
                       inspected->layers - 1);
    const char *figure = tt_argument_text(arguments, "--svg");
    if (figure && !tt_inspect_svg(inspected, figure, err)) return false;
    return tt_argument_flag(arguments, "--json") ? tt_print_json(tt_inspect_json(inspected), err)
                                                 : tt_inspect_print(inspected, err);
}

static bool inspect(const tt_arguments *arguments, tt_inspected *inspected, const tt_mixer *mix, tt_error *err) {
    if (mix) {
        inspected->mix = tt_mixer_blend(mix);
        inspected->mix_text = tt_mixer_text(mix);
        tt_mix_warn(mix);
    }
    return read_files(arguments, inspected, err) && show(arguments, inspected, err);
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    const bool has_mix = tt_mix_asked(arguments);
    if (!has_mix && !arguments->operand_count)
        return tt_fail(err, TT_ERROR_USAGE, "nothing to inspect: name a control vector, or a mix with --axis NAME=VALUE");
    tt_target target = {0};
    tt_inspected inspected = {0};
    tt_mixer *mix = has_mix ? tt_mix_open_given_file(arguments, &target, err) : NULL;
    const bool ok = (mix || !has_mix) && inspect(arguments, &inspected, mix, err);
    for (size_t i = 0; i < inspected.count; i++) tt_vector_free(&inspected.vectors[i]);
    free(inspected.vectors);
    tt_mixer_close(mix);
    tt_target_close(&target);
    return ok;
}

const tt_command tt_command_inspect = {
    .name = "inspect",
    .purpose = TT_PURPOSE_EXAMINE,
    .summary = "show what is in control vectors, and how alike they are",
    .description =
        "Of one file: what its keys say, and for each layer the length of its direction and how well that separated the "
        "classes when it was made. Of several: how alike they are, as cosines, layer by layer and all together.\n\n"
        "With --axis or --control-vector it also tells of that mix how strong it may be: the safe scale is where its axes "
        "together move the model as far as one of them does at 1.",
    .operands = "[FILE...]",
    .operand_kind = TT_OPTION_FILE,
    .run = run,
    .groups = {&group, &tt_mix_group},
    .examples =
        {
            {"trimtab inspect vectors/model-language__ornate.gguf", "one vector, layer by layer"},
            {"trimtab inspect vectors/*.gguf --svg vectors.svg", "how alike vectors are, also as a figure"},
            {"trimtab inspect --vectors vectors --axis language=0.5 --axis storytelling=0.5", "the safe scale of a mix"},
        },
};
