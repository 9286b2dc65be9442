#include "linear.h"

#include "memory.h"

enum {
    /// Rows of one piece of a product: a multiple of every tile's, so that few are left over.
    ROWS = 60,
    /// Bytes of weights of a piece: enough to be worth taking, little enough to share the work evenly.
    PIECE = 128 << 10,
    /// Rows that are rounded in one go.
    ROUNDED = 4,
};

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t ck_operand_bytes(ptrdiff_t rows, ptrdiff_t depth) {
    size_t groups = (size_t)(rows * (depth / CK_GROUP));
    return aligned((size_t)(rows * depth)) + aligned(groups * sizeof(float)) + 3 * aligned(groups * sizeof(int32_t));
}

ck_operand ck_operand_in(void *memory, ptrdiff_t rows, ptrdiff_t depth) {
    size_t groups = (size_t)(rows * (depth / CK_GROUP));
    char *place = memory;
    ck_operand operand = {0};
    operand.codes = (int8_t *)place;
    place += aligned((size_t)(rows * depth));
    operand.scales = (float *)place;
    place += aligned(groups * sizeof(float));
    operand.offsets = (int32_t *)place;
    place += aligned(groups * sizeof(int32_t));
    operand.suboffsets = (int32_t *)place;
    return operand;
}

void ck_member_prepare(ck_member *member, const ck_matrix *matrix, const float *values, ptrdiff_t stride, ptrdiff_t rows, ck_operand *operand) {
    operand->values = values;
    operand->value_stride = stride;
    if (matrix->format == CK_FLOAT32) return;
    const ck_kernels *kernels = ck_team_kernels(member->team);
    ptrdiff_t groups = matrix->depth / CK_GROUP;
    for (ptrdiff_t first; (first = ck_member_take(member) * ROUNDED) < rows;) {
        for (ptrdiff_t row = first; row < first + ROUNDED && row < rows; row++) {
            kernels->quantise(
                values + row * stride, matrix->inputs, matrix->depth, (int8_t *)operand->codes + row * matrix->depth,
                (float *)operand->scales + row * groups, (int32_t *)operand->offsets + row * groups,
                (int32_t *)operand->suboffsets + row * 2 * groups);
        }
    }
}

void ck_member_multiply(ck_member *member, const ck_matrix *matrix, const ck_operand *operand, const ck_result *result, ptrdiff_t rows) {
    const ck_kernels *kernels = ck_team_kernels(member->team);
    const ptrdiff_t blocks = (rows + ROWS - 1) / ROWS, threads = ck_team_threads(member->team);
    const size_t panel_bytes = matrix->weight_bytes / (size_t)matrix->panels;
    ptrdiff_t panels = kernels->tile_panels[matrix->format];
    if (matrix->gated && panels % 2) panels *= 2;
    while (2 * (size_t)panels * panel_bytes <= PIECE && matrix->panels / (2 * panels) * blocks >= 8 * threads) panels *= 2;
    const ptrdiff_t strips = (matrix->panels + panels - 1) / panels;
    for (ptrdiff_t piece; (piece = ck_member_take(member)) < strips * blocks;) {
        ck_rows row = {piece % blocks * ROWS, (piece % blocks + 1) * ROWS}, panel = {piece / blocks * panels, (piece / blocks + 1) * panels};
        if (row.end > rows) row.end = rows;
        if (panel.end > matrix->panels) panel.end = matrix->panels;
        kernels->product[matrix->format](matrix, operand, result, row, panel);
    }
}

typedef struct run {
    const ck_linear *linear;
    ck_operand operand;
} run;

static void linear_task(ck_member *member, void *context) {
    run *shared = context;
    const ck_linear *linear = shared->linear;
    ck_operand operand = shared->operand;
    ck_member_prepare(member, linear->matrix, linear->input, linear->input_stride, linear->rows, &operand);
    if (linear->matrix->format != CK_FLOAT32) ck_member_wait(member);
    const ck_result result = {
        linear->activation, linear->residual, linear->residual_stride, linear->output, linear->output_stride,
    };
    ck_member_multiply(member, linear->matrix, &operand, &result, linear->rows);
}

bool ck_linear_run(ck_team *team, const ck_linear *linear) {
    if (linear->rows == 0) return true;
    run shared = {.linear = linear};
    size_t bytes = linear->matrix->format == CK_FLOAT32 ? 0 : ck_operand_bytes(linear->rows, linear->matrix->depth);
    void *memory = NULL;
    if (bytes > 0) {
        memory = ck_memory_take(bytes, true);
        if (!memory) return false;
        shared.operand = ck_operand_in(memory, linear->rows, linear->matrix->depth);
    }
    ck_team_run(team, linear_task, &shared);
    ck_memory_give(memory, bytes);
    return true;
}
