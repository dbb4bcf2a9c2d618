// Mapped files that lose pages.
//
// Touching a page of a mapped file that is not there any more, because the file was shortened or its disk fails, raises
// SIGBUS, whose default ends the process without a word of which file it was. For the mappings that are listed here zeros
// take the place of what is gone, and the mapping is marked as damaged, which whoever uses the numbers looks at before they
// go anywhere. For any other address the signal does what it did before.
#include "CKernels.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

enum { most_mappings = 1024 };

// A handler may run at any time on any thread, so it reads a table of fixed size without a lock.
static struct {
    _Atomic(uintptr_t) start;
    _Atomic(size_t) length;
    atomic_bool taken, damaged;
} mappings[most_mappings];
static struct sigaction before;
static uintptr_t page_size;

static void lost_page(int number, siginfo_t *info, void *context) {
    (void)context;
    uintptr_t address = (uintptr_t)info->si_addr;
    for (int i = 0; i < most_mappings; i++) {
        uintptr_t start = atomic_load(&mappings[i].start);
        size_t length = atomic_load(&mappings[i].length);
        if (start == 0 || address < start || address - start >= length) continue;
        uintptr_t page = address & ~(page_size - 1);
        void *zeros = mmap((void *)page, start + length - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (zeros == MAP_FAILED) break;
        atomic_store(&mappings[i].damaged, true);
        return;
    }
    // Comes again at once, and meets who was there before.
    sigaction(number, &before, NULL);
}

static void install(void) {
    static atomic_flag done = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&done)) return;
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = lost_page, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

int smx_mapping_watch(const void *start, size_t length) {
    install();
    for (int i = 0; i < most_mappings; i++) {
        bool expected = false;
        if (!atomic_compare_exchange_strong(&mappings[i].taken, &expected, true)) continue;
        atomic_store(&mappings[i].damaged, false);
        atomic_store(&mappings[i].length, length);
        atomic_store(&mappings[i].start, (uintptr_t)start);
        return i;
    }
    return -1;
}

bool smx_mapping_is_damaged(int number) {
    return number >= 0 && number < most_mappings && atomic_load(&mappings[number].damaged);
}

void smx_mapping_forget(int number) {
    if (number < 0 || number >= most_mappings) return;
    atomic_store(&mappings[number].start, 0);
    atomic_store(&mappings[number].taken, false);
}
