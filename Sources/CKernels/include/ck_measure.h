// The limits of the machine.
#ifndef CK_MEASURE_H
#define CK_MEASURE_H

#include "ck_matrix.h"

/// The number of bytes per second that the team's threads together read sequentially from memory.
///
/// @param bytes the amount of memory, which is read several times; several times the size of the caches.
/// @return 0 if there is not enough memory.
double ck_measure_reading(ck_team *team, size_t bytes);

/// The number of multiplications and additions per second that the team's threads together compute in registers.
///
/// @param format CK_FLOAT32, or CK_INT8 for products of 8 bits.
double ck_measure_arithmetic(ck_team *team, ck_format format);

#endif
