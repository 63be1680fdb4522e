/* make_tiny_model.c: tests/support/tiny_model.h as a program, for the tests that are scripts. */
#include "support/tiny_model.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static int usage(void) {
    size_t count;
    const char *const *names = tt_tiny_architectures(&count);
    fprintf(stderr, "usage: make_tiny_model OUT.gguf [--arch NAME] [--name TEXT] [--layers N] [--width N] [--heads N]\n"
                    "         [--kv-heads N] [--head-size N] [--ff N] [--experts N] [--context N] [--seed N]\n"
                    "         [--template JINJA] [--no-template] [--no-tokenizer]\narchitectures:");
    for (size_t i = 0; i < count; i++) fprintf(stderr, " %s", names[i]);
    fprintf(stderr, "\n");
    return 2;
}

int main(int argc, char **argv) {
    static const struct option table[] = {
        {"arch", required_argument, NULL, 'a'},
        {"name", required_argument, NULL, 'n'},
        {"layers", required_argument, NULL, 'l'},
        {"width", required_argument, NULL, 'w'},
        {"heads", required_argument, NULL, 'h'},
        {"kv-heads", required_argument, NULL, 'k'},
        {"head-size", required_argument, NULL, 'z'},
        {"ff", required_argument, NULL, 'f'},
        {"experts", required_argument, NULL, 'e'},
        {"context", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {"template", required_argument, NULL, 't'},
        {"no-template", no_argument, NULL, 'T'},
        {"no-tokenizer", no_argument, NULL, 'V'},
        {0},
    };
    struct tt_tiny_model_options options = tt_tiny_model_defaults();
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        const uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        switch (option) {
        case 'a':
            options.architecture = optarg;
            break;
        case 'n':
            options.name = optarg;
            break;
        case 'l':
            options.layers = (uint32_t)number;
            break;
        case 'w':
            options.width = (uint32_t)number;
            break;
        case 'h':
            options.heads = (uint32_t)number;
            break;
        case 'k':
            options.kv_heads = (uint32_t)number;
            break;
        case 'z':
            options.head_size = (uint32_t)number;
            break;
        case 'f':
            options.feed_forward = (uint32_t)number;
            break;
        case 'e':
            options.experts = (uint32_t)number;
            break;
        case 'c':
            options.context = (uint32_t)number;
            break;
        case 's':
            options.seed = number;
            break;
        case 't':
            options.chat_template = optarg;
            break;
        case 'T':
            options.chat_template = NULL;
            break;
        case 'V':
            options.with_tokenizer = false;
            break;
        default:
            return usage();
        }
    }
    if (optind + 1 != argc) return usage();
    return tt_tiny_model_write(argv[optind], &options) ? 0 : 1;
}
