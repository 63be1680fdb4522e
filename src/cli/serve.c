/* serve.c: `trimtab serve`, an OpenAI-compatible server with a mix for each request: options in, a server running. */
#include "cli/commands.h"
#include "cli/mix_options.h"
#include "cli/shared_options.h"

#include "base/file.h"
#include "base/plain.h"
#include "base/text.h"
#include "terminal/interrupt.h"
#include "trimtab_serve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { KEYS_MOST = 64, KEY_FILE_MOST = 1 << 16, PEM_MOST = 1 << 20, PRESETS_MOST = 256, HOSTS_MOST = 64 };

static const tt_option main_options[] = {
    {"--vectors", .kind = TT_OPTION_FOLDER, .argument = "DIR", .preset_text = "none: no steering",
     .help = "the folder of control vectors; clients name axes, never files"},
    {"--axis", .kind = TT_OPTION_TEXT, .argument = "NAME=VALUE", .repeatable = true, .suggestion = tt_suggest_axis,
     .help = "the mix for requests that name none; POST /v1/steering changes it while the server runs"},
    {"--preset", .kind = TT_OPTION_TEXT, .argument = "NAME=MIX", .repeatable = true,
     .help = "a mix with a name of its own, which clients see as a model: baroque=language=0.8,storytelling=0.4"},
    {"--presets", .kind = TT_OPTION_FILE, .argument = "FILE",
     .help = "presets from a JSON file: {\"baroque\": {\"language\": 0.8}}"},
    {"--alias", .kind = TT_OPTION_TEXT, .argument = "NAME", .preset_text = "the name in its file",
     .help = "what clients call the model"},
    {"-np, --parallel", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "4", .least = 1, .most = 64,
     .help = "conversations that are computed at once; -c is shared out among them"},
    {"-n, --predict, --n-predict", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "-1", .least = -1, .most = INT32_MAX,
     .preset_text = "until the context is full", .help = "most tokens that an answer may have"},
};

static const tt_option network_options[] = {
    {"--host", .kind = TT_OPTION_TEXT, .argument = "ADDRESS", .preset = "127.0.0.1", .help = "address to listen on"},
    {"--port", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "8080", .least = 0, .most = 65535,
     .help = "port to listen on; 0: any free one"},
    {"--api-key", .kind = TT_OPTION_TEXT, .argument = "KEY", .repeatable = true, .environment = "TRIMTAB_API_KEY",
     .help = "a key that clients must send; better kept in a file, because others on this machine see this command line"},
    {"--api-key-file", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "keys, one a line"},
    {"--no-auth", .help = "let everybody in who can reach the address, also from other machines"},
    {"--cors", .kind = TT_OPTION_TEXT, .argument = "ORIGIN",
     .help = "the origin of other pages that may use the server, or '*'"},
    {"--allow-host", .kind = TT_OPTION_TEXT, .argument = "NAME", .repeatable = true,
     .help = "a name by which clients without a key may reach the server besides localhost and its address, or '*'"},
    {"--tls-cert", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "certificate (PEM), for https"},
    {"--tls-key", .kind = TT_OPTION_FILE, .argument = "FILE", .help = "its private key (PEM)"},
};

static const tt_option limit_options[] = {
    {"--queue", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "512", .least = 1, .most = 100000,
     .help = "requests that may wait for a free slot; more are told to come back"},
    {"--max-body", .kind = TT_OPTION_COUNT, .argument = "BYTES", .preset = "4194304", .least = 1024, .most = 1 << 30,
     .help = "largest request"},
    {"--max-connections", .kind = TT_OPTION_COUNT, .argument = "N", .preset = "4096", .least = 1, .most = 1000000,
     .help = "connections at once"},
    {"--timeout", .kind = TT_OPTION_NUMBER, .argument = "SECONDS", .preset = "0", .least = 0, .most = INFINITY,
     .preset_text = "none", .help = "longest time for one answer, waiting included; what is written by then is the answer"},
    {"--idle", .kind = TT_OPTION_NUMBER, .argument = "SECONDS", .preset = "60", .least = 0.1, .most = 86400,
     .help = "longest time that a connection may take to send its request"},
    {"--grace", .kind = TT_OPTION_NUMBER, .argument = "SECONDS", .preset = "30", .least = 0, .most = 86400,
     .help = "time that running answers are given when the server is told to end"},
};

static const tt_option_group main_group = {"Options", main_options, sizeof main_options / sizeof *main_options};
static const tt_option_group network_group = {"Network", network_options, sizeof network_options / sizeof *network_options};
static const tt_option_group limit_group = {"Limits", limit_options, sizeof limit_options / sizeof *limit_options};

/* Everything whose memory must last until the server has started. */
typedef struct settings {
    trimtab_serve_options options;
    const char *keys[KEYS_MOST], *presets[PRESETS_MOST], *hosts[HOSTS_MOST];
    char *key_file, *certificate, *private_key;
    tt_text mix;
    trimtab_mix *base;
} settings;

static void settings_free(settings *s) {
    free(s->key_file);
    free(s->certificate);
    free(s->private_key);
    tt_text_free(&s->mix);
    trimtab_mix_free(s->base);
}

static bool add_key(settings *s, const char *key, tt_error *err) {
    if (s->options.key_count == KEYS_MOST) return tt_fail(err, TT_ERROR_USAGE, "more than %d API keys", KEYS_MOST);
    s->keys[s->options.key_count++] = key;
    return true;
}

static bool take_keys(settings *s, const tt_arguments *arguments, tt_error *err) {
    const char *key, *path = tt_argument_text(arguments, "--api-key-file");
    for (size_t i = 0; (key = tt_argument_nth(arguments, "--api-key", i)); i++)
        if (!add_key(s, key, err)) return false;
    if (s->options.key_count == 0 && tt_argument_text(arguments, "--api-key") &&
        !add_key(s, tt_argument_text(arguments, "--api-key"), err))
        return false; /* from the environment */
    if (!path) return true;
    size_t length;
    s->key_file = tt_plain_read(path, KEY_FILE_MOST, NULL, &length, err);
    if (!s->key_file) return false;
    char *state = NULL;
    const size_t before = s->options.key_count;
    for (char *line = strtok_r(s->key_file, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
        if (!add_key(s, line, err)) return false;
    return s->options.key_count > before || tt_fail(err, TT_ERROR_INPUT, "'%s' has no key in it; write one a line", path);
}

static bool take_tls(settings *s, const tt_arguments *arguments, tt_error *err) {
    const char *certificate = tt_argument_text(arguments, "--tls-cert"), *key = tt_argument_text(arguments, "--tls-key");
    size_t length;
    if (!certificate && !key) return true;
    if (!certificate || !key) return tt_fail(err, TT_ERROR_USAGE, "--tls-cert and --tls-key belong together: give both");
    s->certificate = tt_file_read(certificate, PEM_MOST, &length, err);
    s->private_key = s->certificate ? tt_file_read(key, PEM_MOST, &length, err) : NULL;
    s->options.tls_certificate = s->certificate;
    s->options.tls_key = s->private_key;
    return s->private_key != NULL;
}

static bool take_hosts(settings *s, const tt_arguments *arguments, tt_error *err) {
    const char *host;
    for (size_t i = 0; (host = tt_argument_nth(arguments, "--allow-host", i)); i++) {
        if (i == HOSTS_MOST)
            return tt_fail(err, TT_ERROR_USAGE, "more than %d names of hosts; --allow-host '*' allows any", HOSTS_MOST);
        s->hosts[s->options.host_count++] = host;
    }
    return true;
}

static bool take_mix(settings *s, const tt_arguments *arguments, tt_error *err) {
    const char *text;
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--axis", i)); i++)
        tt_text_addf(&s->mix, "%s%s", i ? "," : "", text);
    for (size_t i = 0; (text = tt_argument_nth(arguments, "--preset", i)); i++) {
        if (i == PRESETS_MOST)
            return tt_fail(err, TT_ERROR_USAGE, "more than %d presets; put them into a file (--presets)", PRESETS_MOST);
        s->presets[s->options.preset_count++] = text;
    }
    trimtab_error error;
    s->options.mix = s->mix.data;
    s->options.base = s->base = trimtab_mix_open(NULL, &error);
    return tt_text_ok(&s->mix, err) && tt_went_well(&error, err) && tt_mix_add_given_files(s->base, arguments, err);
}

static bool take_settings(settings *s, const tt_arguments *arguments, tt_error *err) {
    trimtab_serve_options *options = &s->options;
    *options = trimtab_serve_defaults();
    options->host = tt_argument_text(arguments, "--host");
    options->port = (uint16_t)tt_argument_count(arguments, "--port");
    options->body_limit = (uint64_t)tt_argument_count(arguments, "--max-body");
    options->connections = (uint32_t)tt_argument_count(arguments, "--max-connections");
    options->idle = tt_argument_number(arguments, "--idle");
    options->keys = s->keys;
    options->no_auth = tt_argument_flag(arguments, "--no-auth");
    options->cors = tt_argument_text(arguments, "--cors");
    options->hosts = s->hosts;
    options->vectors = tt_argument_text(arguments, "--vectors");
    options->model_name = tt_argument_text(arguments, "--alias");
    options->presets = s->presets;
    options->preset_file = tt_argument_text(arguments, "--presets");
    options->parallel = (uint32_t)tt_argument_count(arguments, "--parallel");
    options->queue = (uint32_t)tt_argument_count(arguments, "--queue");
    options->limit = tt_argument_count(arguments, "--predict");
    options->timeout = tt_argument_number(arguments, "--timeout");
    options->grace = tt_argument_number(arguments, "--grace");
    return take_keys(s, arguments, err) && take_hosts(s, arguments, err) && take_tls(s, arguments, err) &&
           take_mix(s, arguments, err);
}

/* Every connection is an open file: as many as the system allows this process. */
static void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void announce(const trimtab_server_facts *facts) {
    fputs(facts->notes, stderr);
    fprintf(stderr, "trimtab: serving at %s (%u conversations of %u tokens at once, %zu ax%cs); Ctrl-C ends\n",
            facts->address, facts->slots, facts->context, facts->axis_count, facts->axis_count == 1 ? 'i' : 'e');
    fflush(stderr);
}

static bool serve(trimtab *t, const tt_arguments *arguments, tt_error *err) {
    settings s = {0};
    trimtab_error error = {0};
    trimtab_server *server = take_settings(&s, arguments, err) ? trimtab_serve_start(t, &s.options, &error) : NULL;
    tt_went_well(&error, err);
    settings_free(&s);
    if (server) {
        announce(trimtab_server_facts_of(server));
        if (!atomic_load(tt_interrupt_flag())) trimtab_serve_run(server);
        fputs("trimtab: ending; running answers are finished first\n", stderr);
        trimtab_serve_stop(server);
    }
    return server != NULL;
}

static bool run(const tt_arguments *arguments, tt_error *err) {
    allow_many_files();
    trimtab_options options = tt_options_given(arguments);
    options.context = (uint32_t)tt_argument_count(arguments, "--ctx-size");
    trimtab *t = tt_open_given(arguments, options, false, err);
    const bool ok = t && serve(t, arguments, err);
    tt_close_given(t);
    return ok;
}

const tt_command tt_command_serve = {
    .name = "serve",
    .purpose = TT_PURPOSE_APPLY,
    .summary = "serve a model to many clients, each steered its own way",
    .description =
        "An HTTP server with OpenAI's interface (/v1/chat/completions, /v1/completions, /v1/models) and a page for the "
        "browser. "
        "Every request may bring its own mix of control vectors, and requests with different mixes are computed "
        "together.\n\n"
        "A request names its mix in the field \"steering\": {\"language\": 0.5}, or behind the model's name: "
        "\"model\": \"smollm2@language=0.5\", which needs nothing of the client. Else the server's default mix counts.\n\n"
        "The server listens on this machine alone unless --host says otherwise, and then wants --api-key-file or --no-auth. "
        "SIGTERM or Ctrl-C lets running answers finish (--grace); a second one ends it at once.",
    .groups = {&main_group, &tt_vector_file_group, &network_group, &limit_group, &tt_model_group, &tt_context_group},
    .examples = {{"trimtab serve -m model.gguf --vectors vectors", "serve at http://127.0.0.1:8080"},
                 {"trimtab serve -m model.gguf --vectors vectors --axis language=0.5 -np 8",
                  "eight at once, ornate unless asked otherwise"},
                 {"trimtab serve -m model.gguf --vectors vectors --host 0.0.0.0 --api-key-file keys.txt",
                  "serve other machines, who must know a key"}},
    .run = run,
};
