// clock.cpp: see clock.h. The linker leads every call of time() and system_clock::now() here (cmake/chat.cmake), so that
// strftime_now and the dates that the engine hands to templates are those of the request.
#include "clock.h"

#include <chrono>
#include <ctime>

static long long present = -1; // seconds since 1970; negative: the true time

void clock_set(long long seconds) { present = seconds; }

extern "C" {
time_t __real_time(time_t *to);
std::chrono::system_clock::time_point __real__ZNSt6chrono3_V212system_clock3nowEv();

time_t __wrap_time(time_t *to);
time_t __wrap_time(time_t *to) {
    const time_t now = present < 0 ? __real_time(nullptr) : static_cast<time_t>(present);
    if (to) *to = now;
    return now;
}

std::chrono::system_clock::time_point __wrap__ZNSt6chrono3_V212system_clock3nowEv();
std::chrono::system_clock::time_point __wrap__ZNSt6chrono3_V212system_clock3nowEv() {
    if (present < 0) return __real__ZNSt6chrono3_V212system_clock3nowEv();
    return std::chrono::system_clock::from_time_t(static_cast<time_t>(present));
}
}
