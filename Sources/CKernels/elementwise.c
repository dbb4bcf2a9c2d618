// Element-wise kernels. Each is compiled for several instruction sets and gives the same bits in all of them: operations
// are IEEE single steps, multiply-adds that shall be fused say so, and every sum has a fixed number of lanes.

#include "CKernels.h"
#include "scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { lanes = 16 };

// Before a loop whose output may be one of its inputs, element for element: without it the compiler looks whether they
// overlap, and if so runs one element at a time.
#if defined(__clang__)
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")
#else
#define IN_PLACE _Pragma("GCC ivdep")
#endif

VARIANTS void smx_exp(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = exp_one(x[i]);
}

VARIANTS void smx_exp_scaled(const float *x, float shift, float scale, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = exp_one(scale * (x[i] - shift));
}

VARIANTS void smx_sum(const float *a, const float *b, float *out, size_t count) {
    IN_PLACE
    for (size_t i = 0; i < count; i++) out[i] = a[i] + b[i];
}

// Nearest even, in integer arithmetic: the processor's own conversion would lose subnormal values.
static inline __attribute__((always_inline)) uint16_t to_bfloat(float x) {
    union { float f; uint32_t u; } value = {x};
    uint32_t rounded = (value.u + 0x7fff + ((value.u >> 16) & 1)) >> 16;
    uint32_t quiet = (value.u >> 16) | 0x40;
    return (uint16_t)((value.u & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

static inline __attribute__((always_inline)) float from_bfloat(uint16_t x) {
    union { uint32_t u; float f; } value = {(uint32_t)x << 16};
    return value.f;
}

VARIANTS void smx_sum_bfloat(const uint16_t *a, const uint16_t *b, uint16_t *out, size_t count) {
    IN_PLACE
    for (size_t i = 0; i < count; i++) out[i] = to_bfloat(from_bfloat(a[i]) + from_bfloat(b[i]));
}

VARIANTS void smx_sum_bfloat_to_float(const uint16_t *a, const uint16_t *b, float *out, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = from_bfloat(a[i]) + from_bfloat(b[i]);
}

VARIANTS void smx_add(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] += x[i];
}

VARIANTS void smx_add_double(const double *x, double *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] += x[i];
}

VARIANTS void smx_multiply(const float *a, const float *b, float *c, size_t count) {
    for (size_t i = 0; i < count; i++) c[i] = a[i] * b[i];
}

VARIANTS void smx_accumulate(const float *x, double *sum, size_t count) {
    for (size_t i = 0; i < count; i++) sum[i] += (double)x[i];
}

VARIANTS void smx_mix(const float *a, const float *b, float ratio, float *out, size_t count) {
    float rest = 1.0f - ratio;
    for (size_t i = 0; i < count; i++) out[i] = __builtin_fmaf(ratio, a[i], rest * b[i]);
}

VARIANTS void smx_mix_to_bfloat(const float *a, const float *b, float ratio, uint16_t *out, size_t count) {
    float rest = 1.0f - ratio;
    for (size_t i = 0; i < count; i++) out[i] = to_bfloat(__builtin_fmaf(ratio, a[i], rest * b[i]));
}

static inline __attribute__((always_inline)) float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13;
    // Re-bias the exponent by an exact product with 2^112, which also makes subnormals right; infinities and NaNs keep
    // the all-ones exponent.
    union { uint32_t u; float f; } value = {magnitude};
    value.f *= 0x1p112f;
    if ((h & 0x7c00) == 0x7c00) value.u |= 0x7f800000;
    value.u |= sign;
    return value.f;
}

VARIANTS void smx_half_to_float(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = half_to_float(x[i]);
}

VARIANTS void smx_bfloat_to_float(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = from_bfloat(x[i]);
}

VARIANTS void smx_float_to_bfloat(const float *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = to_bfloat(x[i]);
}

VARIANTS void smx_cut_columns(const float *matrix, size_t rows, size_t columns, size_t width, smx_type type, void *out) {
    for (size_t first = 0; first < columns; first += width) {
        size_t count = columns - first < width ? columns - first : width;
        for (size_t r = 0; r < rows; r++) {
            const float *from = matrix + r * columns + first;
            size_t to = first * rows + r * count;
            if (type == SMX_BFLOAT16)
                for (size_t c = 0; c < count; c++) ((uint16_t *)out)[to + c] = to_bfloat(from[c]);
            else
                memcpy((float *)out + to, from, count * sizeof(float));
        }
    }
}

void smx_join_columns(const float *blocks, size_t rows, size_t columns, size_t width, float *matrix) {
    for (size_t first = 0; first < columns; first += width) {
        size_t count = columns - first < width ? columns - first : width;
        for (size_t r = 0; r < rows; r++)
            memcpy(matrix + r * columns + first, blocks + first * rows + r * count, count * sizeof(float));
    }
}

VARIANTS void smx_add_bias(float *matrix, const float *bias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *row = matrix + r * columns;
        for (size_t c = 0; c < columns; c++) row[c] += bias[c];
    }
}

VARIANTS void smx_column_sums(const float *matrix, float *out, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = matrix + r * columns;
        for (size_t c = 0; c < columns; c++) out[c] += row[c];
    }
}

VARIANTS float smx_max(const float *row, size_t count) {
    float best[lanes];
    for (int l = 0; l < lanes; l++) best[l] = -INFINITY;
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (int l = 0; l < lanes; l++) best[l] = row[i + l] > best[l] ? row[i + l] : best[l];
    float result = -INFINITY;
    for (int l = 0; l < lanes; l++) result = best[l] > result ? best[l] : result;
    for (; i < count; i++) result = row[i] > result ? row[i] : result;
    return result;
}

size_t smx_argmax(const float *row, size_t count) {
    float largest = smx_max(row, count);
    for (size_t i = 0; i < count; i++)
        if (row[i] == largest) return i;
    return 0;
}

VARIANTS bool smx_all_finite(const float *x, size_t count) {
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], 4);
        bad |= (bits & 0x7f800000) == 0x7f800000;
    }
    return bad == 0;
}

VARIANTS uint32_t smx_largest_magnitude(const float *x, size_t count) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], 4);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

VARIANTS uint32_t smx_largest_magnitude_bfloat(const uint16_t *x, size_t count) {
    uint16_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = x[i] & 0x7fff;
        largest = bits > largest ? bits : largest;
    }
    return (uint32_t)largest << 16;
}

// row = exp(row - max), and their sum. Inlined, so that each caller's variants have it in their instruction set.
static inline __attribute__((always_inline)) float exponentials(float *row, size_t count, float largest) {
    float partial[lanes] = {0};
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        for (int l = 0; l < lanes; l++) {
            float e = exp_one(row[i + l] - largest);
            row[i + l] = e;
            partial[l] += e;
        }
    for (int l = 0; i + l < count; l++) {
        float e = exp_one(row[i + l] - largest);
        row[i + l] = e;
        partial[l] += e;
    }
    for (int width = lanes / 2; width > 0; width /= 2)
        for (int l = 0; l < width; l++) partial[l] += partial[l + width];
    return partial[0];
}

VARIANTS void smx_softmax(float *row, size_t count) {
    float factor = 1.0f / exponentials(row, count, smx_max(row, count));
    for (size_t c = 0; c < count; c++) row[c] *= factor;
}

VARIANTS double smx_softmax_cross_entropy(float *row, size_t count, smx_target target, float scale) {
    float largest = smx_max(row, count);
    // The loss needs the raw logits, so their part of it is taken before they are overwritten.
    double first = (double)(1.0f - target.smoothing) * (double)target.ratio;
    double second = (double)(1.0f - target.smoothing) * (double)(1.0f - target.ratio);
    double even = (double)target.smoothing / (double)count;
    double loss = -first * ((double)row[target.label] - (double)largest);
    if (second != 0) loss -= second * ((double)row[target.partner] - (double)largest);
    if (even != 0) {
        double all = 0;
        for (size_t c = 0; c < count; c++) all += (double)row[c] - (double)largest;
        loss -= even * all;
    }

    float sum = exponentials(row, count, largest);
    float factor = scale / sum;
    float less = scale * (float)even;
    for (size_t c = 0; c < count; c++) row[c] = __builtin_fmaf(row[c], factor, -less);
    row[target.label] -= scale * (float)first;
    if (second != 0) row[target.partner] -= scale * (float)second;
    return loss + log((double)sum);
}

VARIANTS void smx_sgd(const float *w, const float *velocity, const float *gradient, float *new_w, float *new_velocity,
                      float rate, float momentum, float decay, size_t count) {
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
        float g = __builtin_fmaf(decay, w[i], gradient[i]);
        float v = __builtin_fmaf(momentum, velocity[i], g);
        new_velocity[i] = v;
        new_w[i] = __builtin_fmaf(-rate, v, w[i]);
    }
}

uint64_t smx_hash(const void *bytes, size_t count, uint64_t seed) { return XXH3_64bits_withSeed(bytes, count, seed); }

struct smx_hasher { XXH3_state_t state; };

smx_hasher *smx_hasher_create(void) {
    // The state asks for the alignment of a cache line.
    smx_hasher *hasher = aligned_alloc(64, (sizeof *hasher + 63) / 64 * 64);
    if (hasher) XXH3_64bits_reset(&hasher->state);
    return hasher;
}

void smx_hasher_update(smx_hasher *hasher, const void *bytes, size_t count) {
    XXH3_64bits_update(&hasher->state, bytes, count);
}

uint64_t smx_hasher_digest(const smx_hasher *hasher) { return XXH3_64bits_digest(&hasher->state); }

void smx_hasher_destroy(smx_hasher *hasher) { free(hasher); }
