/* random.c: see random.h */
#include "base/random.h"

static uint64_t mix(uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t tt_random_bits(uint64_t seed, uint64_t stream, uint64_t index, uint64_t slot) {
    const uint64_t golden = 0x9e3779b97f4a7c15u; /* 2^64 / the golden ratio: keeps neighbouring counters apart */
    uint64_t x = mix(seed + golden);
    x = mix(x + stream * golden + golden);
    x = mix(x + index * golden + golden);
    return mix(x + slot * golden + golden);
}

uint64_t tt_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t slot, uint64_t bound) {
    return (uint64_t)(((unsigned __int128)tt_random_bits(seed, stream, index, slot) * bound) >> 64);
}

uint64_t tt_random_stream(const char *name) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
    return hash;
}
