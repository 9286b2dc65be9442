// What the machine can do.
#ifndef CK_MEASURE_H
#define CK_MEASURE_H

#include "ck_matrix.h"

/// Bytes that the team's threads read from memory in a second, together and from end to end.
///
/// @param bytes how much is read, a few times over; several times what the caches hold.
/// @return 0 where there is not so much memory.
double ck_measure_reading(ck_team *team, size_t bytes);

/// Multiplications and additions that the team's threads do in a second, together, on numbers in registers.
///
/// @param format CK_FLOAT32, or CK_INT8 for products of 8 bits.
double ck_measure_arithmetic(ck_team *team, ck_format format);

#endif
