#include "kernels.h"

#include "ck_team.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

const ck_kernels *ck_kernels_at(int32_t index) {
    const ck_kernels *known[3];
    int32_t count = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")) {
        known[count++] = &ck_kernels_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        known[count++] = &ck_kernels_avx2;
    }
#elif defined(__aarch64__) && defined(__linux__)
    unsigned long features = getauxval(AT_HWCAP);
    if (features & HWCAP_ASIMDDP && features & HWCAP_ASIMDHP) known[count++] = &ck_kernels_neon;
#endif
    known[count++] = &ck_kernels_portable;
    return index >= 0 && index < count ? known[index] : 0;
}

const char *ck_instructions(int32_t index) {
    const ck_kernels *kernels = ck_kernels_at(index);
    return kernels ? kernels->name : 0;
}
