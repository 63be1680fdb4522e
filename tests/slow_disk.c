/* slow_disk.c: a disk that takes three seconds to open a vector of the class "ornate", once the file that SLOW_DISK names is
 * there. For LD_PRELOAD. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int open(const char *path, int flags, ...) {
    int (*real)(const char *, int, ...);
    *(void **)&real = dlsym(RTLD_NEXT, "open");
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    const char *flag = getenv("SLOW_DISK");
    struct stat status;
    if (strstr(path, "__ornate") && flag && stat(flag, &status) == 0) {
        const struct timespec time = {.tv_sec = 3};
        nanosleep(&time, NULL);
    }
    return real(path, flags, mode);
}
