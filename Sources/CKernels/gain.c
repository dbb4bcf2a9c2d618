// The element-wise parts of the gain. As in elementwise.c, all variants give the same bits.

#include "CKernels.h"
#include "scalar.h"

#include <math.h>

VARIANTS void smx_exp_scaled_times(const float *x, float shift, float scale, const float *a, float *e, float *ea,
                                   size_t count) {
    for (size_t i = 0; i < count; i++) {
        float value = exp_one(scale * (x[i] - shift));
        e[i] = value;
        ea[i] = value * a[i];
    }
}

VARIANTS void smx_add_scaled(const float *x, float scale, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = __builtin_fmaf(scale, x[i], y[i]);
}

// Entries of `other` come in transposed, so the tile is walked in squares that stay in the first-level cache.
VARIANTS size_t smx_gain_tile(smx_gain_terms terms, float *gain, size_t stride, size_t rows, size_t columns) {
    enum { side = 32 };
    float rest = 1.0f - terms.beta;
    size_t doubtful = 0;
    for (size_t r0 = 0; r0 < rows; r0 += side)
        for (size_t c0 = 0; c0 < columns; c0 += side) {
            size_t height = rows - r0 < side ? rows - r0 : side;
            size_t width = columns - c0 < side ? columns - c0 : side;
            float other[side][side];
            for (size_t c = 0; c < width; c++)
                for (size_t r = 0; r < height; r++) other[r][c] = terms.other[(c0 + c) * terms.stride + r0 + r];
            for (size_t r = 0; r < height; r++) {
                size_t row = r0 + r, first = row * columns + c0;
                float own = terms.own[row], part = terms.beta * own;
                const float *sum = terms.sum + first, *label = terms.label + first, *mixed = terms.mixed + first;
                float *out = gain + row * stride + c0;
                uint32_t missing = 0;
                for (size_t c = 0; c < width; c++) {
                    float taken = terms.own_only ? own : part + rest * other[r][c];
                    float value = taken - (terms.beta * label[c] + rest * mixed[c]) / sum[c];
                    bool trusted = sum[c] > terms.smallest;
                    out[c] = trusted ? value : NAN;
                    missing += !trusted;
                }
                doubtful += missing;
            }
        }
    return doubtful;
}

VARIANTS size_t smx_positive_exp(const float *gain, float shift, float scale, float *weights, size_t count,
                                 double *sum) {
    size_t positive = 0;
    for (size_t i = 0; i < count; i++) {
        float weight = exp_one(scale * (gain[i] - shift));
        weights[i] = gain[i] > 0 ? weight : 0;
        positive += gain[i] > 0;
    }
    double total = 0;
    for (size_t i = 0; i < count; i++) total += (double)weights[i];
    *sum = total;
    return positive;
}

VARIANTS void smx_scale_and_add(float *weights, double factor, double rest, size_t count) {
    for (size_t i = 0; i < count; i++) weights[i] = (float)((double)weights[i] * factor + rest);
}
