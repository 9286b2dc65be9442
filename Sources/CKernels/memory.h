// Memory for weights and for working.
#ifndef CK_INTERNAL_MEMORY_H
#define CK_INTERNAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/// Zeroed memory aligned to a cache line; pages are allocated when they are first accessed. Null if there is not enough.
///
/// @param dense requests large pages, with which sequential reading is fastest.
void *ck_memory_take(size_t bytes, bool dense);
void ck_memory_give(void *memory, size_t bytes);

#endif
