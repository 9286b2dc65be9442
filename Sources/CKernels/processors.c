#define _GNU_SOURCE
#include "ck_team.h"

#include <errno.h>
#include <sched.h>

int32_t ck_processors(void) {
    // The kernel refuses a mask that is shorter than its own.
    for (int most = 1024; most <= 1 << 20; most *= 8) {
        cpu_set_t *mask = CPU_ALLOC(most);
        if (!mask) return 0;
        const size_t bytes = CPU_ALLOC_SIZE(most);
        const bool is_read = sched_getaffinity(0, bytes, mask) == 0, is_short = !is_read && errno == EINVAL;
        const int32_t count = is_read ? CPU_COUNT_S(bytes, mask) : 0;
        CPU_FREE(mask);
        if (!is_short) return count;
    }
    return 0;
}
