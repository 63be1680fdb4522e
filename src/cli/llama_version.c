/* llama_version.c: see llama_version.h */
#include "cli/llama_version.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char what_to_do[] = "name the syntax: --for llama.cpp-0.7 (FILE:SCALE), or --for llama.cpp-legacy (FILE SCALE)";

/* Versions are "version: 0.7.0 (build 11669, commit ...)" since 2026, and were "version: 7370 (594696fb)" with a number that
 * every change raised. The syntax changed between builds 7370 and 7500. A build from a shallow copy of the sources counts
 * itself as 0 or 1. */
bool tt_llama_version_read(const char *text, trimtab_syntax *syntax) {
    enum { UNCOUNTED = 1, LAST_LEGACY = 7370, FIRST_CURRENT = 7500 };
    static const char begin[] = "version: ";
    const char *version = strstr(text, begin);
    if (!version) return false;
    version += strlen(begin);
    const size_t digits = strspn(version, "0123456789");
    if (digits == 0 || digits > 9) return false;
    if (version[digits] == '.') {
        *syntax = TRIMTAB_SYNTAX_CURRENT;
        return true;
    }
    const long build = strtol(version, NULL, 10);
    if (build <= UNCOUNTED || (build > LAST_LEGACY && build < FIRST_CURRENT)) return false;
    *syntax = build >= FIRST_CURRENT ? TRIMTAB_SYNTAX_CURRENT : TRIMTAB_SYNTAX_LEGACY;
    return true;
}

/* ==== Asking ==== */

static bool read_all(int fd, tt_text *text, tt_error *err) {
    enum { MOST = 1 << 16 };
    char buffer[4096];
    while (text->length < MOST) {
        const ssize_t count = read(fd, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return tt_fail_errno(err, "cannot read what llama-cli says");
        if (count == 0) break;
        tt_text_add_bytes(text, buffer, (size_t)count);
    }
    return tt_text_ok(text, err);
}

/* Starts `llama-cli --version`, whose two outputs go to `output`. 0 or an error of errno's. */
static int start(int output, pid_t *child) {
    char program[] = "llama-cli", option[] = "--version";
    char *const arguments[] = {program, option, NULL};
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!failed) failed = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (!failed) failed = posix_spawnp(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

bool tt_llama_version_ask(trimtab_syntax *syntax, tt_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return tt_fail_errno(err, "cannot start llama-cli");
    pid_t child = 0;
    const int failed = start(ends[1], &child);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return tt_fail(err, TT_ERROR_USAGE, "there is no llama-cli in PATH to ask for its version (%s); %s",
                       strerror(failed), what_to_do);
    }
    tt_text text = {0};
    bool ok = read_all(ends[0], &text, err);
    close(ends[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    if (ok && !tt_llama_version_read(text.data ? text.data : "", syntax))
        ok = tt_fail(err, TT_ERROR_USAGE, "llama-cli --version does not tell how it takes control vectors; %s", what_to_do);
    tt_text_free(&text);
    return ok;
}
