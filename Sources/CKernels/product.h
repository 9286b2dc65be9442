// Phases of a product.
#ifndef CK_INTERNAL_PRODUCT_H
#define CK_INTERNAL_PRODUCT_H

#include "team.h"

/// The size of `count` numbers that are rounded to codes; `count` is a multiple of 64.
size_t ck_codes_bytes(ptrdiff_t count);
/// Lays out codes, their scales and offsets in memory of that size.
ck_operand ck_codes_in(void *memory, ptrdiff_t count);
/// Rounds a row into codes from `place` on.
void ck_round_row(const ck_kernels *kernels, const ck_operand *codes, ptrdiff_t place, const float *row, ptrdiff_t count, ptrdiff_t depth);

/// Rows that are rounded to codes.
typedef struct ck_rounding {
    const ck_matrix *matrix;
    const float *rows;
    ptrdiff_t stride, count;
    ck_operand codes;
} ck_rounding;
/// Rounds, with one row in each task.
ck_phase ck_rounding_phase(const ck_rounding *rounding);

/// A product, divided into tasks of some rows and some panels.
typedef struct ck_multiplication {
    const ck_matrix *matrix;
    ck_operand operand;
    ck_result result;
    ptrdiff_t rows;
    /// The numbers of blocks of rows and of strips of panels into which it is divided, and the panels of a strip.
    ptrdiff_t blocks, strips, strip_panels;
} ck_multiplication;
/// Divides it into tasks. The division does not affect the results.
void ck_multiplication_cut(ck_multiplication *multiplication, const ck_team *team, ptrdiff_t sequences);
ck_phase ck_multiplication_phase(const ck_multiplication *multiplication);

#endif
