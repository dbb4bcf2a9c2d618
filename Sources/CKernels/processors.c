// On which processors a thread runs: Swift's module of the C library leaves this out.

#define _GNU_SOURCE
#include "CKernels.h"

#include <sched.h>

int smx_allowed_processors(int *numbers, int capacity) {
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask)) return 0;
    int count = 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < capacity; processor++)
        if (CPU_ISSET(processor, &mask)) numbers[count++] = processor;
    return count;
}

bool smx_keep_thread_on(int processor) {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(processor, &mask);
    return sched_setaffinity(0, sizeof mask, &mask) == 0;
}
