/* fuzz_states.c: states files from anywhere. The input is the file; what opens is read in full.
 *
 * The header's digests stop nearly every mutation. So that the code behind them is reached too, an input whose first byte is
 * 'R' is a list of changes to a valid file, with its digests made right again afterwards. */
#include "base/file.h"
#include "states/layout.h"
#include "states/states.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(char digest[static TT_STATES_DIGEST], const void *bytes, size_t length) {
    char text[TT_HASH_TEXT];
    tt_hash hash;
    tt_hash_begin(&hash);
    tt_hash_bytes(&hash, bytes, length);
    tt_hash_end(&hash, text);
    memcpy(digest, text, TT_STATES_DIGEST);
}

/* A file of 3 samples x 3 rows x 2 blocks x 4 values, all of them committed, changed by triples of (offset, offset, byte).
 */
static void make_valid(int fd, const uint8_t *data, size_t size) {
    static uint8_t file[24576];
    memset(file, 0, sizeof file);
    const tt_states_shape shape = {3, 3, 2, 4};
    tt_states_header header;
    tt_states_header_fill(&header, &shape, "{}", 2);
    memcpy(file, &header, sizeof header);
    memcpy(file + TT_STATES_IDENTITY, "{}", 2);
    for (; size >= 3; data += 3, size -= 3) file[(data[0] | data[1] << 8) % sizeof file] ^= data[2];
    memcpy(&header, file, sizeof header);
    seal(header.identity_digest, file + TT_STATES_IDENTITY, header.identity_length < 4096 ? header.identity_length : 0);
    seal(header.digest, &header, offsetof(tt_states_header, digest));
    memcpy(file, &header, sizeof header);
    tt_states_commit commit;
    /* As long as nothing was changed there, all three samples count. */
    tt_states_commit_fill(&commit, &header, 0, 3 ^ file[TT_STATES_COMMITS], file + TT_STATES_COMMITS + 1);
    memcpy(file + TT_STATES_COMMITS, &commit, sizeof commit);
    (void)tt_pwrite_all(fd, file, sizeof file, 0, "input", NULL);
}

static void read_everything(const tt_states *states) {
    const tt_states_shape *shape = tt_states_shape_of(states);
    const uint64_t count = tt_states_committed(states);
    if (count * shape->width > 1u << 20) return;
    float *out = malloc((count * shape->width + 1) * sizeof *out);
    if (!out) return;
    for (uint32_t block = 0; block < shape->blocks && block < 4; block++)
        for (uint32_t row = 0; row < shape->rows && row < 4; row++)
            (void)tt_states_differences(states, block, row, 0, count, out, NULL);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    tt_error err;
    const int fd = memfd_create("states", 0);
    if (fd < 0) return 0;
    if (size && data[0] == 'R')
        make_valid(fd, data + 1, size - 1);
    else
        (void)tt_pwrite_all(fd, data, size, 0, "input", NULL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tt_states *states = tt_states_open(path, false, &err);
    if (states) read_everything(states);
    tt_states_close(states);
    close(fd);
    return 0;
}
