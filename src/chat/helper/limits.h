// limits.h: what this process may use. A template comes with a downloaded file, and its engine is not written for hostile
// input: so it must not be able to do harm, whatever it makes of it.
#pragma once

// For the whole process, before anything is read: memory, files, processes, no core dump, and (where the kernel has
// seccomp) no sockets, no new programs and no files to open.
void limits_begin();

// Processor seconds until the next call; then the kernel ends this process.
void limits_for_request(unsigned seconds);
