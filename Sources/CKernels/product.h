// The parts of a product that the threads of a team do together.
#ifndef CK_INTERNAL_PRODUCT_H
#define CK_INTERNAL_PRODUCT_H

#include "team.h"

/// Bytes that `count` numbers take when they are rounded to codes; `count` is a multiple of 64.
size_t ck_codes_bytes(ptrdiff_t count);
/// Lays out codes, their scales and offsets in memory of that size.
ck_operand ck_codes_in(void *memory, ptrdiff_t count);
/// Rounds a row into codes from `place` on.
void ck_round_row(const ck_kernels *kernels, const ck_operand *codes, ptrdiff_t place, const float *row, ptrdiff_t count, ptrdiff_t depth);

/// Takes rows until none is left, and rounds them where the matrix holds codes; else the operand is the rows as they are.
/// Afterwards the members must wait.
void ck_member_round(ck_member *member, const ck_matrix *matrix, const float *rows, ptrdiff_t stride, ptrdiff_t count, ck_operand *operand);
/// Takes pieces of a product until none is left. Afterwards the members must wait.
void ck_member_multiply(ck_member *member, const ck_matrix *matrix, const ck_operand *operand, const ck_result *result, ptrdiff_t rows);

#endif
