/* console.c: see console.h */
#include "terminal/console.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void tt_console_begin(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        /* Opened in the wrong mode, so that using it is still an error. */
        const int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
        if (opened != fd) _exit(1);
    }
    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "");
}

/* A pipe without a reader. An earlier write may have found it, so errno no longer shows it. */
static bool nobody_reads(void) {
    struct pollfd state = {.fd = STDOUT_FILENO};
    return poll(&state, 1, 0) == 1 && (state.revents & POLLERR);
}

bool tt_console_flush(tt_error *err) {
    errno = 0;
    const bool flushed = fflush(stdout) == 0;
    if (flushed && !ferror(stdout)) return true;
    if (errno == EPIPE || nobody_reads()) return tt_fail_quietly(err, TT_ERROR_NONE);
    if (!flushed && errno) return tt_fail_errno(err, "cannot write to standard output");
    return tt_fail(err, TT_ERROR_IO, "not everything could be written to standard output");
}

void tt_console_error(const char *format, ...) {
    const bool colour = tt_console_colour(stderr);
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tt_one_line(message); /* a file name may contain a newline, or text that commands a terminal */
    fprintf(stderr, "%strimtab:%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", message);
}

void tt_console_print(FILE *stream, const char *text) {
    char *line = isatty(fileno(stream)) ? tt_strdup(text, NULL) : NULL;
    if (line) tt_one_line(line);
    fputs(line ? line : text, stream);
    free(line);
}

int tt_console_width(FILE *stream, int otherwise) {
    struct winsize size = {0};
    if (!isatty(fileno(stream))) return otherwise;
    const char *columns = getenv("COLUMNS");
    const long wanted = columns ? strtol(columns, NULL, 10) : 0;
    if (wanted > 0 && wanted < 10000) return (int)wanted;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return otherwise;
}

bool tt_console_colour(FILE *stream) {
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return !(no_color && *no_color) && !(terminal && strcmp(terminal, "dumb") == 0) && isatty(fileno(stream));
}

bool tt_console_unicode(void) { return strcmp(nl_langinfo(CODESET), "UTF-8") == 0; }
