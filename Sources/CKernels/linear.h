// The parts of a product that the threads of a team do together.
#ifndef CK_INTERNAL_LINEAR_H
#define CK_INTERNAL_LINEAR_H

#include "team.h"

/// Bytes that rows of rounded activations take.
size_t ck_operand_bytes(ptrdiff_t rows, ptrdiff_t depth);
/// Lays out rows of rounded activations in memory of that size.
ck_operand ck_operand_in(void *memory, ptrdiff_t rows, ptrdiff_t depth);
/// Points an operand at rows, and where the matrix holds codes, rounds them. Afterwards the members must wait.
void ck_member_prepare(ck_member *member, const ck_matrix *matrix, const float *values, ptrdiff_t stride, ptrdiff_t rows, ck_operand *operand);
/// Takes pieces of a product until none is left. Afterwards the members must wait.
void ck_member_multiply(ck_member *member, const ck_matrix *matrix, const ck_operand *operand, const ck_result *result, ptrdiff_t rows);

#endif
