/* helper_process.c: see helper_process.h
 *
 * One pair of sockets carries both directions; the helper has its end as standard input and output. Writing when the
 * other end is gone is then an error and not a signal, without touching this process' signal handling. */
#include "chat/helper_process.h"
#include "base/clock.h"
#include "base/installed.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MOST = 1 << 26, PIECE = 1 << 16 };

/* The helper limits its own processor time (2 s); this limit is for a helper that waits for something, or a machine
 * without a free processor. */
static const double patience = 5;

bool tt_helper_init(tt_helper *helper, tt_error *err) {
    *helper = (tt_helper){.channel = -1, .process = -1, .deadline = patience};
    const char *named = getenv("TRIMTAB_CHAT_HELPER");
    if (named && *named) return (helper->program = tt_strdup(named, err)) != NULL;
    if (!tt_installed_part("trimtab-chat", &helper->program, err)) return false;
    if (helper->program) return true;
    return tt_fail(
        err, TT_ERROR_IO,
        "the program that runs chat templates, trimtab-chat, was not built or installed with this trimtab; name a "
        "template that needs none, such as --chat-template chatml");
}

/* ==== Starting and ending ==== */

bool tt_helper_running(const tt_helper *helper) { return helper->channel >= 0; }

/* Ends it. True if it had already used up its processor time. */
static bool stop(tt_helper *helper) {
    int status = 0;
    if (helper->channel >= 0) close(helper->channel);
    if (helper->process > 0) {
        kill(helper->process, SIGKILL);
        while (waitpid(helper->process, &status, 0) < 0 && errno == EINTR) {
        }
    }
    helper->channel = helper->process = -1;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU;
}

void tt_helper_close(tt_helper *helper) {
    stop(helper);
    free(helper->program);
    helper->program = NULL;
}

/* A separate session, so that Ctrl-C at the terminal does not reach it; no signal blocked or ignored. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &none);
    if (!failed) failed = posix_spawnattr_setsigdefault(attributes, &all);
    if (!failed)
        failed = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return failed;
}

/* Only the three standard descriptors, the last of them /dev/null. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int end) {
    int failed = posix_spawn_file_actions_adddup2(actions, end, STDIN_FILENO);
    if (!failed) failed = posix_spawn_file_actions_adddup2(actions, end, STDOUT_FILENO);
    if (!failed) failed = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return failed;
}

/* From the environment it gets only the variables for library paths and the time zone. Returns 0 or an errno value. */
static int spawn_with(const char *program, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                      pid_t *process) {
    static const char *const names[] = {"TZ", "LD_LIBRARY_PATH"};
    enum { NAMES = sizeof names / sizeof *names };
    char name[] = "trimtab-chat", *const arguments[] = {name, NULL};
    char *environment[NAMES + 1] = {0};
    size_t count = 0;
    for (size_t i = 0; i < NAMES; i++) {
        const char *value = getenv(names[i]);
        if (value && (environment[count] = tt_format(NULL, "%s=%s", names[i], value))) count++;
    }
    const int failed = posix_spawn(process, program, actions, attributes, arguments, environment);
    while (count) free(environment[--count]);
    return failed;
}

static int spawn(const char *program, int end, pid_t *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = set_attributes(&attributes);
        if (!failed) failed = set_descriptors(&actions, end);
        if (!failed) failed = spawn_with(program, &actions, &attributes, process);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

bool tt_helper_start(tt_helper *helper, tt_error *err) {
    if (tt_helper_running(helper)) return true;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return tt_fail_errno(err, "cannot start the program that runs chat templates");
    const int failed = spawn(helper->program, ends[1], &helper->process);
    close(ends[1]);
    helper->channel = ends[0];
    if (!failed) return true;
    helper->process = -1;
    stop(helper);
    return tt_fail(err, TT_ERROR_IO,
                   "cannot start '%s', which runs chat templates: %s; where no process can be started, a template that is "
                   "named (--chat-template chatml) needs none",
                   helper->program, strerror(failed));
}

/* ==== The exchange ==== */

/* Waits for the channel until the deadline. */
static tt_helper_outcome wait_for(const tt_helper *helper, short what, double end, tt_error *err) {
    for (;;) {
        const double left = end - tt_seconds();
        if (left <= 0) return TT_HELPER_LATE;
        struct pollfd channel = {.fd = helper->channel, .events = what};
        const int ready = poll(&channel, 1, (int)ceil(left * 1000));
        if (ready > 0) return TT_HELPER_ANSWERED;
        if (ready < 0 && errno != EINTR) {
            tt_fail_errno(err, "cannot wait for the program that runs chat templates");
            return TT_HELPER_FAILED;
        }
    }
}

static tt_helper_outcome give(const tt_helper *helper, const char *line, size_t length, double end, tt_error *err) {
    for (size_t done = 0; done < length;) {
        const tt_helper_outcome outcome = wait_for(helper, POLLOUT, end, err);
        if (outcome != TT_HELPER_ANSWERED) return outcome;
        ssize_t count;
        do count = send(helper->channel, line + done, length - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (count < 0 && errno == EINTR);
        if (count > 0) done += (size_t)count;
        if (count >= 0 || errno == EAGAIN) continue;
        if (errno == EPIPE || errno == ECONNRESET) return TT_HELPER_DIED;
        tt_fail_errno(err, "cannot write to the program that runs chat templates");
        return TT_HELPER_FAILED;
    }
    return TT_HELPER_ANSWERED;
}

/* Reads up to the first newline. Anything after it was not requested, and a process that sends it is not trusted
 * further. */
static tt_helper_outcome take(const tt_helper *helper, tt_text *answer, double end, tt_error *err) {
    char piece[PIECE];
    for (;;) {
        const tt_helper_outcome outcome = wait_for(helper, POLLIN, end, err);
        if (outcome != TT_HELPER_ANSWERED) return outcome;
        ssize_t count;
        do count = read(helper->channel, piece, sizeof piece);
        while (count < 0 && errno == EINTR);
        if (count < 0 && errno != ECONNRESET) {
            tt_fail_errno(err, "cannot read from the program that runs chat templates");
            return TT_HELPER_FAILED;
        }
        if (count <= 0) return TT_HELPER_DIED;
        const char *newline = memchr(piece, '\n', (size_t)count);
        const size_t length = newline ? (size_t)(newline - piece) : (size_t)count;
        if (answer->length + length > ANSWER_MOST) return TT_HELPER_WORDY;
        tt_text_add_bytes(answer, piece, length);
        if (!tt_text_ok(answer, err)) return TT_HELPER_FAILED;
        if (newline) return length + 1 == (size_t)count ? TT_HELPER_ANSWERED : TT_HELPER_DIED;
    }
}

static tt_helper_outcome exchange(tt_helper *helper, const char *line, size_t length, tt_text *answer, tt_error *err) {
    const double end = tt_seconds() + helper->deadline;
    tt_text_clear(answer);
    tt_helper_outcome outcome = give(helper, line, length, end, err);
    if (outcome == TT_HELPER_ANSWERED) outcome = take(helper, answer, end, err);
    if (outcome == TT_HELPER_ANSWERED) return outcome;
    return stop(helper) && outcome == TT_HELPER_DIED ? TT_HELPER_LATE : outcome;
}

tt_helper_outcome tt_helper_ask(tt_helper *helper, const char *line, size_t length, tt_text *answer, tt_error *err) {
    if (!tt_helper_start(helper, err) || helper->channel < 0) return TT_HELPER_FAILED;
    return exchange(helper, line, length, answer, err);
}
