/* inspect.c: `trimtab inspect`: reads the files and the mix that are asked for. They are shown by inspect_print.c,
 * inspect_json.c and inspect_svg.c. */
#include "cli/inspect.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "terminal/print_json.h"

#include <stdlib.h>

static const tt_option options[] = {
    {"--layer", .kind = TT_OPTION_COUNT, .argument = "K", .least = 1, .most = TT_INSPECT_LAYERS_MOST,
     .preset_text = "all layers, taken together", .help = "compare several files at this layer"},
    {"--json", .help = "print all figures as JSON"},
    {"--svg", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "also draw a figure: lengths and ratios, and how alike the files are"},
    {"-m, --model", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "the model that the mix is for"},
};
static const tt_option_group group = {"Options", options, sizeof options / sizeof *options};

double tt_inspected_cosine(const tt_inspected *inspected, size_t i, size_t j, uint32_t K) {
    return trimtab_vector_cosine(inspected->vectors[i], inspected->vectors[j], K);
}

static bool read_files(const tt_arguments *arguments, tt_inspected *inspected, tt_error *err) {
    if (arguments->operand_count > TT_INSPECT_MOST)
        return tt_fail(err, TT_ERROR_USAGE, "%zu files are too many at once: name at most %d", arguments->operand_count,
                       TT_INSPECT_MOST);
    if (!(inspected->vectors = tt_alloc(arguments->operand_count, sizeof(trimtab_vector *), err))) return false;
    for (size_t i = 0; i < arguments->operand_count; i++) {
        trimtab_error error;
        trimtab_vector *vector = trimtab_vector_read(arguments->operands[i], &error);
        if (!tt_went_well(&error, err)) return false;
        inspected->vectors[inspected->count++] = vector;
        const uint32_t layers = trimtab_vector_facts_of(vector)->layers;
        if (layers > inspected->layers) inspected->layers = layers;
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

static bool run(const tt_arguments *arguments, tt_error *err) {
    const bool has_mix = tt_mix_asked(arguments);
    if (!has_mix && !arguments->operand_count)
        return tt_fail(err, TT_ERROR_USAGE, "nothing to inspect: name a control vector, or a mix with --axis NAME=VALUE");
    tt_inspected inspected = {0};
    trimtab_mix *mix = has_mix ? tt_mix_open_given(arguments, NULL, false, err) : NULL;
    if (mix) tt_mix_warn(mix);
    inspected.mix = mix;
    const bool ok = (mix || !has_mix) && read_files(arguments, &inspected, err) && show(arguments, &inspected, err);
    for (size_t i = 0; i < inspected.count; i++) trimtab_vector_free(inspected.vectors[i]);
    free(inspected.vectors);
    trimtab_mix_free(mix);
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
