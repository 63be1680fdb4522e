/* coverage_at_death.c: in a build that counts lines, what a process has done counts too when a signal ends it that it raises
 * itself (after Ctrl-C), or _exit does. The linker leads those two calls here (--wrap, see CMakeLists.txt). */
#include <signal.h>
#include <unistd.h>

void __gcov_dump(void);
void __gcov_reset(void);
int __real_raise(int number);
int __wrap_raise(int number);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

int __wrap_raise(int number) {
    __gcov_dump();
    const int status = __real_raise(number);
    __gcov_reset(); /* it lives on: what has been written down must not be counted again */
    return status;
}

_Noreturn void __wrap__exit(int status) {
    __gcov_dump();
    __real__exit(status);
}
