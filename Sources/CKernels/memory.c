#include "memory.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE_PAGE = 2 << 20 };

void *ck_memory_take(size_t bytes, bool dense) {
    if (bytes == 0) bytes = 1;
    dense = dense && bytes >= LARGE_PAGE;
    // Large pages are aligned to their size: the memory before and after them is freed.
    size_t slack = dense ? LARGE_PAGE : 0;
    char *start = mmap(NULL, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    if (!dense) return start;
    char *even = (char *)(((uintptr_t)start + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
    if (even > start) munmap(start, (size_t)(even - start));
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + page - 1) / page * page,
           behind = (size_t)(start + bytes + slack - even - used) / page * page;
    if (behind > 0) munmap(even + used, behind);
#ifdef MADV_HUGEPAGE
    madvise(even, bytes, MADV_HUGEPAGE);
#endif
    return even;
}

void ck_memory_give(void *memory, size_t bytes) {
    if (memory) munmap(memory, bytes == 0 ? 1 : bytes);
}
