// limits.cpp: see limits.h
#include "limits.h"

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <iterator>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void limit(int what, rlim_t most) {
    rlimit present;
    if (getrlimit(static_cast<__rlimit_resource>(what), &present) != 0) return;
    if (present.rlim_max != RLIM_INFINITY && present.rlim_max < most) most = present.rlim_max;
    present.rlim_cur = present.rlim_max = most;
    setrlimit(static_cast<__rlimit_resource>(what), &present);
}

// Calls that laying out text never takes. They fail with EPERM. The numbers are those of the machine that this is built for:
// a call by another machine's numbers is not looked at, and the resource limits hold for it as well.
static void forbid_calls() {
    static const unsigned forbidden[] = {
        SYS_socket, SYS_socketpair, SYS_connect, SYS_bind,   SYS_listen,  SYS_execve, SYS_execveat, SYS_openat,
        SYS_ptrace, SYS_kill,       SYS_tgkill,  SYS_clone,  SYS_unshare, SYS_mount,  SYS_unlinkat, SYS_mkdirat,
#ifdef SYS_open
        SYS_open,   SYS_fork,       SYS_vfork,   SYS_unlink, SYS_rename,  SYS_mkdir,
#endif
    };
    sock_filter program[std::size(forbidden) + 3];
    size_t at = 0;
    program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
    for (size_t i = 0; i < std::size(forbidden); i++) {
        const auto to_refusal = static_cast<unsigned char>(std::size(forbidden) - i);
        program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, forbidden[i], to_refusal, 0);
    }
    program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    sock_fprog filter = {static_cast<unsigned short>(at), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

void limits_begin() {
    enum { MEMORY = 1 << 30, STACK = 8 << 20 };
    tzset(); // reads the time zone's file now: later no file can be opened
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_AS, MEMORY);
    limit(RLIMIT_STACK, STACK);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NOFILE, 3);
    limit(RLIMIT_NPROC, 0);
    forbid_calls();
}

void limits_for_request(unsigned seconds) {
    rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0) return;
    rlimit most;
    if (getrlimit(RLIMIT_CPU, &most) != 0) return;
    // Of whole seconds, of which the present one has begun.
    most.rlim_cur = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + seconds;
    setrlimit(RLIMIT_CPU, &most);
}
