#include "decoder.h"

#include <math.h>
#include <string.h>

_Static_assert(CK_PAGE == (int)CK_LANES, "a page is a vector of keys");

// A call of a decoder: the phases of a transformer over rows of many sequences, whose keys and values are in pages.

/// The offset in bytes, in every page, of the keys or the values of a layer and head.
static size_t place(const ck_decoder *decoder, bool values, ptrdiff_t layer, ptrdiff_t head) {
    return (size_t)((2 * layer + values) * decoder->transformer->heads + head) * decoder->block_bytes;
}

/// Rotates pairs of numbers by the angles of a position.
static void turn(const ck_transformer *transformer, float *x, ptrdiff_t head, ptrdiff_t position) {
    if (!transformer->cosine) return;
    const ptrdiff_t half = head / 2;
    const float *cosine = transformer->cosine + position * half, *sine = transformer->sine + position * half;
    for (ptrdiff_t i = 0; i < half; i++) {
        float first = x[i], second = x[i + half];
        x[i] = first * cosine[i] - second * sine[i];
        x[i + half] = second * cosine[i] + first * sine[i];
    }
}

/// Copies the attention weights of the last row of a stretch, if they are recorded. They still have to be divided by their sum.
static void record(const step *step, ptrdiff_t layer, ptrdiff_t head, ptrdiff_t stretch, const float *weights) {
    const ptrdiff_t length = step->stretches[stretch].start + step->stretches[stretch].count;
    for (ptrdiff_t index = 0; index < step->record_count; index++) {
        const ck_attention_record *wanted = &step->records[index];
        if (wanted->layer != layer || wanted->head != head || wanted->stretch != stretch) continue;
        float sum = 0;
        for (ptrdiff_t i = 0; i < length; i++) sum += weights[i];
        for (ptrdiff_t i = 0; i < wanted->count; i++) wanted->weights[i] = weights[wanted->first + i] / sum;
    }
}

/// The number of full pages that the sequences of two stretches share, up to a limit.
static ptrdiff_t common_pages(const ck_stretch *a, const ck_stretch *b, ptrdiff_t most) {
    const ptrdiff_t shorter = a->start < b->start ? a->start : b->start;
    if (most > shorter / CK_PAGE) most = shorter / CK_PAGE;
    ptrdiff_t count = 0;
    while (count < most && a->pages[count] == b->pages[count]) count++;
    return count;
}

/// Finds the rows of the step with adapters, and where the added values are stored.
static void find_adapted_rows(ck_decoder *decoder) {
    const step *step = &decoder->step;
    decoder->adapted_count = 0;
    if (!decoder->additions) return;
    for (ptrdiff_t index = 0; index < step->stretch_count; index++) {
        const ck_stretch *stretch = &step->stretches[index];
        for (ptrdiff_t row = decoder->first_rows[index]; row < decoder->first_rows[index] + stretch->count; row++) {
            decoder->row_additions[row] = NULL;
            if (!stretch->adaptation) continue;
            decoder->row_additions[row] = decoder->additions + decoder->adapted_count * decoder->addition_stride;
            decoder->adapted_rows[decoder->adapted_count] = row;
            decoder->adaptations[decoder->adapted_count++] = stretch->adaptation;
        }
    }
}

/// Combines stretches of one position with the next ones that begin with the same page.
static void form_parties(ck_decoder *decoder) {
    const ck_stretch *stretches = decoder->step.stretches;
    decoder->party_count = 0;
    for (ptrdiff_t index = 0; index < decoder->step.stretch_count; index++) {
        const ck_stretch *stretch = &stretches[index];
        party *host = NULL;
        ptrdiff_t common = 0;
        for (ptrdiff_t other = decoder->party_count; stretch->count == 1 && !host && other-- > 0;) {
            party *party = &decoder->parties[other];
            const ck_stretch *first = &stretches[party->stretches[0]];
            if (party->count == CK_TOGETHER || first->count > 1) continue;
            common = common_pages(first, stretch, party->common);
            if (common > 0) host = party;
        }
        if (!host) {
            host = &decoder->parties[decoder->party_count++];
            *host = (party){.common = stretch->start / CK_PAGE};
            common = host->common;
        }
        host->common = common;
        host->stretches[host->count++] = index;
    }
}

/// Stores the keys and values of a stretch's rows for one head.
static void remember(const ck_kernels *kernels, const ck_decoder *decoder, ptrdiff_t layer, ptrdiff_t head, ptrdiff_t index) {
    const ck_stretch *stretch = &decoder->step.stretches[index];
    const ptrdiff_t hidden = decoder->transformer->hidden, size = decoder->head;
    for (ptrdiff_t i = 0; i < stretch->count; i++) {
        const ptrdiff_t position = stretch->start + i;
        float *own = decoder->query_key_value + (decoder->first_rows[index] + i) * 3 * hidden + head * size;
        char *page = stretch->pages[position / CK_PAGE];
        turn(decoder->transformer, own + hidden, size, position);
        kernels->remember[decoder->rounded](page + place(decoder, false, layer, head), page + place(decoder, true, layer, head), position % CK_PAGE,
            own + hidden, own + 2 * hidden, size, decoder->padded_head);
    }
}

/// A row of a party: the stretch, and which of its positions.
typedef struct looker {
    ptrdiff_t stretch, position;
} looker;

/// One head's attention for some rows whose sequences share their first pages.
static void look_back(
    ck_member *member, const ck_decoder *decoder, ptrdiff_t layer, ptrdiff_t head, const looker *rows, int count, ptrdiff_t common) {
    const step *step = &decoder->step;
    const ptrdiff_t hidden = decoder->transformer->hidden, size = decoder->head, padded = decoder->padded_head;
    const float scale = 1.0f / sqrtf((float)size);
    ck_attention queries[CK_TOGETHER];
    for (int i = 0; i < count; i++) {
        const ck_stretch *stretch = &step->stretches[rows[i].stretch];
        const ptrdiff_t position = stretch->start + rows[i].position, row = decoder->first_rows[rows[i].stretch] + rows[i].position;
        float *weights = decoder->thread_work + (member->index * CK_TOGETHER + i) * decoder->query_stride;
        float *query = weights + rounded_up(decoder->longest, 64);
        memset(query, 0, (size_t)padded * sizeof(float));
        memcpy(query, decoder->query_key_value + row * 3 * hidden + head * size, (size_t)size * sizeof(float));
        turn(decoder->transformer, query, size, position);
        for (ptrdiff_t d = 0; d < size; d++) query[d] *= scale;
        queries[i] = (ck_attention){
            .query = query,
            .pages = stretch->pages,
            .keys = place(decoder, false, layer, head),
            .values = place(decoder, true, layer, head),
            .length = position + 1,
            .head_size = padded,
            .weights = weights,
            .output = query + padded,
        };
    }
    ck_team_kernels(member->team)->attend[decoder->rounded](queries, count, common);
    for (int i = 0; i < count; i++) {
        const ptrdiff_t row = decoder->first_rows[rows[i].stretch] + rows[i].position;
        if (step->record_count && rows[i].position == step->stretches[rows[i].stretch].count - 1) {
            record(step, layer, head, rows[i].stretch, queries[i].weights);
        }
        memcpy(decoder->attended + row * hidden + head * size, queries[i].output, (size_t)size * sizeof(float));
    }
}

/// One head's attention for a party: the keys and values of its rows are stored, then attention is computed.
static void attend(ck_member *member, const ck_decoder *decoder, ptrdiff_t layer, ptrdiff_t head, const party *party) {
    for (int i = 0; i < party->count; i++) remember(ck_team_kernels(member->team), decoder, layer, head, party->stretches[i]);
    const ptrdiff_t first = party->stretches[0];
    const ck_stretch *stretch = &decoder->step.stretches[first];
    looker rows[CK_TOGETHER];
    if (party->count > 1) {
        for (int i = 0; i < party->count; i++) rows[i] = (looker){party->stretches[i], 0};
        return look_back(member, decoder, layer, head, rows, party->count, party->common);
    }
    for (ptrdiff_t from = 0; from < stretch->count; from += CK_TOGETHER) {
        const int count = stretch->count - from < CK_TOGETHER ? (int)(stretch->count - from) : CK_TOGETHER;
        for (int i = 0; i < count; i++) rows[i] = (looker){first, from + i};
        look_back(member, decoder, layer, head, rows, count, (stretch->start + from) / CK_PAGE);
    }
}

// MARK: phases

static void copy_input(ck_member *member, const void *context, ptrdiff_t row) {
    const ck_decoder *decoder = context;
    const ptrdiff_t hidden = decoder->transformer->hidden;
    memcpy(decoder->hidden + row * hidden, decoder->step.inputs + row * hidden, (size_t)hidden * sizeof(float));
}

static void attend_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const stage *stage = context;
    const ck_decoder *decoder = stage->attention.decoder;
    attend(member, decoder, stage->attention.layer, piece / decoder->party_count, &decoder->parties[piece % decoder->party_count]);
}

/// Computes the adapters' values for some panels of a product and one row.
static void add_piece(ck_member *member, const void *context, ptrdiff_t piece) {
    const stage *stage = context;
    const ck_decoder *decoder = stage->addition.decoder;
    const ck_kernels *kernels = ck_team_kernels(member->team);
    const ptrdiff_t index = piece / stage->addition.strips, strip = piece % stage->addition.strips, strips = stage->addition.strips;
    const ptrdiff_t inputs = stage->addition.matrix->inputs, all = stage->addition.matrix->panels;
    const ptrdiff_t first = all * strip / strips, end = all * (strip + 1) / strips;
    const ck_adaptation *adaptation = decoder->adaptations[index];
    const float *input = stage->addition.input + decoder->adapted_rows[index] * inputs;
    float *out = decoder->additions + index * decoder->addition_stride, *projected = decoder->projections + member->index * CK_MOST_RANK;
    memset(out + first * CK_LANES, 0, (size_t)((end - first) * CK_LANES) * sizeof(float));
    for (int32_t i = adaptation->starts[stage->addition.product]; i < adaptation->starts[stage->addition.product + 1]; i++) {
        const ck_low_rank *change = &adaptation->changes[i];
        kernels->project(change->a, change->rank, input, inputs, change->scale, projected);
        for (ptrdiff_t part = 0; part < change->panels; part++) {
            const ptrdiff_t panel = change->first_panel + part * change->panel_step;
            if (panel < first || panel >= end) continue;
            kernels->mix_panel(change->b + part * CK_LANES, change->panels * CK_LANES, projected, change->rank, out + panel * CK_LANES);
        }
    }
}

static void normalise_row(ck_member *member, const void *context, ptrdiff_t row) {
    const stage *stage = context;
    const ck_decoder *decoder = stage->norm.decoder;
    const ptrdiff_t hidden = decoder->transformer->hidden, from = stage->norm.wanted ? stage->norm.wanted[row] : row;
    ck_team_kernels(member->team)
        ->transform(&stage->norm.way, decoder->hidden + from * hidden, NULL, NULL, hidden, decoder->normalised + row * hidden);
}

/// The stage of the next phase.
static stage *next_stage(ck_decoder *decoder) { return &decoder->stages[decoder->phase_count]; }

static void add(ck_decoder *decoder, ck_phase phase) { decoder->phases[decoder->phase_count++] = phase; }

/// Adds a phase that normalises all rows, or those whose logits are wanted.
static void add_norm(ck_decoder *decoder, const float *weight, const float *bias, const ptrdiff_t *wanted, ptrdiff_t rows) {
    stage *stage = next_stage(decoder);
    stage->norm.decoder = decoder;
    stage->norm.way = (ck_way_in){.norm_weight = weight, .norm_bias = bias, .norm_epsilon = decoder->transformer->norm_epsilon};
    stage->norm.wanted = wanted;
    add(decoder, (ck_phase){normalise_row, stage, rows});
}

/// Adds a phase that computes the adapters of a layer's product, if any row has adapters.
///
/// @return the values added to each row, or null.
static const float *const *add_additions(ck_decoder *decoder, ptrdiff_t layer, int product, const ck_matrix *matrix, const float *input) {
    const ptrdiff_t place = layer * CK_PRODUCTS + product;
    bool has_changes = false;
    for (ptrdiff_t index = 0; index < decoder->adapted_count && !has_changes; index++) {
        const int32_t *starts = decoder->adaptations[index]->starts;
        has_changes = starts[place] < starts[place + 1];
    }
    if (!has_changes) return NULL;
    stage *stage = next_stage(decoder);
    // The division does not affect the results: each strip computes the projection again.
    stage->addition.strips = decoder->adapted_count < ck_team_threads(decoder->team) ? ck_team_threads(decoder->team) : 1;
    stage->addition.decoder = decoder;
    stage->addition.matrix = matrix;
    stage->addition.input = input;
    stage->addition.product = place;
    add(decoder, (ck_phase){add_piece, stage, decoder->adapted_count * stage->addition.strips});
    return decoder->row_additions;
}

static void add_product(ck_decoder *decoder, const ck_matrix *matrix, const float *input, ptrdiff_t rows, ck_result result) {
    ck_operand operand = {.values = input, .stride = matrix->inputs};
    if (matrix->format != CK_FLOAT32) {
        operand = decoder->codes;
        operand.stride = matrix->depth;
        stage *stage = next_stage(decoder);
        stage->rounding = (ck_rounding){matrix, input, matrix->inputs, rows, operand};
        add(decoder, ck_rounding_phase(&stage->rounding));
    }
    stage *stage = next_stage(decoder);
    stage->multiplication = (ck_multiplication){.matrix = matrix, .operand = operand, .result = result, .rows = rows};
    ck_multiplication_cut(&stage->multiplication, decoder->team, 1);
    add(decoder, ck_multiplication_phase(&stage->multiplication));
}

static void add_attention(ck_decoder *decoder, ptrdiff_t layer) {
    stage *stage = next_stage(decoder);
    stage->attention.decoder = decoder;
    stage->attention.layer = layer;
    add(decoder, (ck_phase){attend_piece, stage, decoder->party_count * decoder->transformer->heads});
}

void ck_decoder_run(ck_decoder *decoder, const ck_stretch *stretches, ptrdiff_t stretch_count, const float *inputs, float *logits,
    const ck_attention_record *records, ptrdiff_t record_count) {
    const ck_transformer *transformer = decoder->transformer;
    const ptrdiff_t hidden = transformer->hidden, inner = transformer->inner;
    ck_result into_hidden = {CK_IDENTITY, decoder->hidden, hidden, 0, decoder->hidden, hidden, NULL};
    ptrdiff_t rows = 0, wanted = 0;
    for (ptrdiff_t index = 0; index < stretch_count; index++) {
        decoder->first_rows[index] = rows;
        rows += stretches[index].count;
        if (stretches[index].wanted) decoder->wanted[wanted++] = rows - 1;
    }
    decoder->step = (step){stretches, stretch_count, rows, inputs, records, record_count};
    find_adapted_rows(decoder);
    decoder->phase_count = 0;
    form_parties(decoder);

    add(decoder, (ck_phase){copy_input, decoder, rows});
    for (ptrdiff_t index = 0; index < transformer->layer_count; index++) {
        const ck_decoder_layer *layer = &transformer->layers[index];
        add_norm(decoder, layer->attention_norm, layer->attention_norm_bias, NULL, rows);
        const float *const *additions = add_additions(decoder, index, CK_QUERY_KEY_VALUE, layer->query_key_value, decoder->normalised);
        add_product(decoder, layer->query_key_value, decoder->normalised, rows,
            (ck_result){CK_IDENTITY, NULL, 0, 0, decoder->query_key_value, 3 * hidden, additions});
        add_attention(decoder, index);
        into_hidden.additions = add_additions(decoder, index, CK_ATTENTION_OUTPUT, layer->attention_output, decoder->attended);
        add_product(decoder, layer->attention_output, decoder->attended, rows, into_hidden);
        add_norm(decoder, layer->feed_forward_norm, layer->feed_forward_norm_bias, NULL, rows);
        additions = add_additions(decoder, index, CK_EXPAND, layer->expand, decoder->normalised);
        add_product(
            decoder, layer->expand, decoder->normalised, rows, (ck_result){transformer->activation, NULL, 0, 0, decoder->expanded, inner, additions});
        into_hidden.additions = add_additions(decoder, index, CK_CONTRACT, layer->contract, decoder->expanded);
        add_product(decoder, layer->contract, decoder->expanded, rows, into_hidden);
    }
    add_norm(decoder, transformer->final_norm, transformer->final_norm_bias, decoder->wanted, wanted);
    add_product(
        decoder, transformer->head, decoder->normalised, wanted, (ck_result){CK_IDENTITY, NULL, 0, 0, logits, transformer->head->outputs, NULL});
    ck_team_run(decoder->team, decoder->phases, decoder->phase_count);
}
