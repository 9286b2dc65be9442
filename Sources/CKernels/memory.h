// Memory for weights and work.
#ifndef CK_INTERNAL_MEMORY_H
#define CK_INTERNAL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/// Zeroed memory on a line's boundary, its pages taken when they are touched; null where there is not enough.
///
/// @param dense asks for large pages, which memory that is read from end to end is fastest in.
void *ck_memory_take(size_t bytes, bool dense);
void ck_memory_give(void *memory, size_t bytes);

#endif
