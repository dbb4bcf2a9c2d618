// The numeric kernels: matrix products by oneDNN, and the element-wise loops around them.
//
// One small C ABI so that no Swift code sees oneDNN, whose 2.6 (Debian 12) and 3.x interfaces differ. Rules that callers
// rely on:
//  - every function runs on the calling thread alone; parallelism comes from calling it for different shards;
//  - the element-wise kernels give the same bits on every processor: fused multiply-adds are explicit, sums have a fixed
//    number of lanes, and the compiler contracts and reorders nothing;
//  - matrices are row-major and dense unless a leading dimension says otherwise;
//  - functions that can fail return 0 or a oneDNN status, which `smx_status_name` tells.
#ifndef SELMIX_CKERNELS_H
#define SELMIX_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Instruction set

/// The best instruction set that this machine's processor and this oneDNN support, for example "avx512_core_bf16".
/// Asking does not fix it.
const char *_Nonnull smx_best_isa(void);
/// The instruction sets that there are, from the plainest; null behind the last one.
const char *_Nullable smx_isa_name(int index);
/// Whether this machine can run `isa`; false for an unknown name too.
bool smx_isa_is_supported(const char *_Nonnull isa);
/// Limits oneDNN to `isa` for the life of the process. Must come before any product; returns a oneDNN status, an error when
/// a product has run already.
int smx_set_isa(const char *_Nonnull isa);
/// The version of oneDNN that runs, for example "2.6.3".
const char *_Nonnull smx_onednn_version(void);
const char *_Nonnull smx_status_name(int status);

// MARK: Matrix products

typedef enum { SMX_FLOAT32 = 0, SMX_BFLOAT16 = 1 } smx_type;

/// C [m, n] = A [m, k] B [k, n], or C += A B.
typedef struct {
    int64_t m, n, k;
    /// Whether A is stored as [k, m] and B as [n, k].
    bool transposed_a, transposed_b;
    /// Type of A and of B, and of C. Products are summed in float32 in either case; a bfloat16 C is rounded once.
    smx_type type, output;
    bool accumulate;
} smx_product_shape;

typedef struct smx_product smx_product;

int smx_product_create(smx_product *_Nullable *_Nonnull product, smx_product_shape shape);
int smx_product_run(const smx_product *_Nonnull product, const void *_Nonnull a, const void *_Nonnull b,
                    void *_Nonnull c);
void smx_product_destroy(smx_product *_Nullable product);

// MARK: Memory

/// One heap of the C library for all threads; to be called before there are any.
void smx_share_one_heap(void);

// MARK: Mapped files

/// Lists a mapping whose pages may get lost: from then on they read as zeros, and the mapping is damaged. Returns its number,
/// or -1 where too many are listed: that one ends the process with SIGBUS as ever.
int smx_mapping_watch(const void *_Nonnull start, size_t length);
bool smx_mapping_is_damaged(int number);
/// Must come before the mapping is taken away.
void smx_mapping_forget(int number);

// MARK: Processors

/// The numbers of the processors that the calling thread may run on; returns how many were written.
int smx_allowed_processors(int *_Nonnull numbers, int capacity);
/// Keeps the calling thread on one of them; false where the system refuses.
bool smx_keep_thread_on(int processor);

// MARK: Element-wise kernels

/// y[i] = exp(x[i]), relative error below 2e-7; 0 below -87.3, clamped above 88.7.
void smx_exp(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y[i] = exp(scale * (x[i] - shift)).
void smx_exp_scaled(const float *_Nonnull x, float shift, float scale, float *_Nonnull y, size_t count);
/// out[i] = a[i] + b[i]. `out` may be `a` or `b`.
void smx_sum(const float *_Nonnull a, const float *_Nonnull b, float *_Nonnull out, size_t count);
/// The same of bfloat16 values: summed in float32, rounded once to nearest even.
void smx_sum_bfloat(const uint16_t *_Nonnull a, const uint16_t *_Nonnull b, uint16_t *_Nonnull out, size_t count);
/// The same of bfloat16 values, with the sum left in float32.
void smx_sum_bfloat_to_float(const uint16_t *_Nonnull a, const uint16_t *_Nonnull b, float *_Nonnull out,
                             size_t count);
/// y[i] += x[i].
void smx_add(const float *_Nonnull x, float *_Nonnull y, size_t count);
void smx_add_double(const double *_Nonnull x, double *_Nonnull y, size_t count);
/// c[i] = a[i] * b[i].
void smx_multiply(const float *_Nonnull a, const float *_Nonnull b, float *_Nonnull c, size_t count);
/// sum[i] += x[i], summed in double.
void smx_accumulate(const float *_Nonnull x, double *_Nonnull sum, size_t count);
/// out[i] = ratio * a[i] + (1 - ratio) * b[i], with one rounding of (1 - ratio) * b[i] and one of the fused sum.
void smx_mix(const float *_Nonnull a, const float *_Nonnull b, float ratio, float *_Nonnull out, size_t count);
/// The same, rounded to bfloat16.
void smx_mix_to_bfloat(const float *_Nonnull a, const float *_Nonnull b, float ratio, uint16_t *_Nonnull out,
                       size_t count);
void smx_half_to_float(const uint16_t *_Nonnull x, float *_Nonnull y, size_t count);
void smx_bfloat_to_float(const uint16_t *_Nonnull x, float *_Nonnull y, size_t count);
/// Rounds to nearest even; a NaN stays one.
void smx_float_to_bfloat(const float *_Nonnull x, uint16_t *_Nonnull y, size_t count);
/// Cuts a matrix [rows, columns] into blocks of `width` columns (the last may be narrower), each stored dense, one behind the
/// other, as `type`.
void smx_cut_columns(const float *_Nonnull matrix, size_t rows, size_t columns, size_t width, smx_type type,
                     void *_Nonnull out);
/// The reverse, of float32.
void smx_join_columns(const float *_Nonnull blocks, size_t rows, size_t columns, size_t width, float *_Nonnull matrix);
/// Adds `bias` [columns] to each row.
void smx_add_bias(float *_Nonnull matrix, const float *_Nonnull bias, size_t rows, size_t columns);
/// out[c] += sum over rows, top to bottom.
void smx_column_sums(const float *_Nonnull matrix, float *_Nonnull out, size_t rows, size_t columns);
/// The largest of row[0 ..< count], and the lowest index that has it. A NaN is never the largest.
size_t smx_argmax(const float *_Nonnull row, size_t count);
float smx_max(const float *_Nonnull row, size_t count);
/// Whether every value is finite.
bool smx_all_finite(const float *_Nonnull x, size_t count);

/// The largest magnitude of values, as the bits of a float32: infinities are above every number, and what is no number above
/// those. 0 of nothing.
uint32_t smx_largest_magnitude(const float *_Nonnull x, size_t count);
uint32_t smx_largest_magnitude_bfloat(const uint16_t *_Nonnull x, size_t count);

/// What a row of logits is trained towards: (1 - smoothing) (ratio onehot(label) + (1 - ratio) onehot(partner)) + smoothing / K.
typedef struct {
    uint32_t label, partner;
    float ratio, smoothing;
} smx_target;

/// In place on one row of logits: row = scale * (softmax(row) - target), and returns the cross-entropy
/// -sum_c target_c log softmax(row)_c.
double smx_softmax_cross_entropy(float *_Nonnull row, size_t count, smx_target target, float scale);
/// In place on one row of logits: row = softmax(row).
void smx_softmax(float *_Nonnull row, size_t count);

/// SGD with momentum: new_velocity = momentum * velocity + (gradient + decay * w); new_w = w - rate * new_velocity. The new
/// values may overwrite the old ones.
void smx_sgd(const float *_Nonnull w, const float *_Nonnull velocity, const float *_Nonnull gradient,
             float *_Nonnull new_w, float *_Nonnull new_velocity, float rate, float momentum, float decay,
             size_t count);

// MARK: Gain

/// e[i] = exp(scale * (x[i] - shift)), ea[i] = e[i] * a[i].
void smx_exp_scaled_times(const float *_Nonnull x, float shift, float scale, const float *_Nonnull a,
                          float *_Nonnull e, float *_Nonnull ea, size_t count);

/// y[i] = scale * x[i] + y[i], fused.
void smx_add_scaled(const float *_Nonnull x, float scale, float *_Nonnull y, size_t count);

/// What a tile of G is made of: N, (E o A) F^T and E (F o A)^T of the tile, [rows, columns] each, and parts of A.
typedef struct {
    const float *_Nonnull sum, *_Nonnull label, *_Nonnull mixed;
    /// A_ii of each row of the tile.
    const float *_Nonnull own;
    /// A_ji, transposed: at `other[column * stride + row]`.
    const float *_Nonnull other;
    size_t stride;
    float beta;
    /// The own part is A_ii alone, in place of beta A_ii + (1 - beta) A_ji.
    bool own_only;
    /// Sums that are not above this are not trusted.
    float smallest;
} smx_gain_terms;

/// Writes a tile of G, whose rows lie `stride` apart, and NaN for each entry whose sum is not trusted.
///
/// Returns how many those are.
size_t smx_gain_tile(smx_gain_terms terms, float *_Nonnull gain, size_t stride, size_t rows, size_t columns);

/// weights[i] = exp(scale * (gain[i] - shift)) where gain[i] > 0, else 0. Adds them up in `sum`, one after another in
/// double, and returns how many gains are positive.
size_t smx_positive_exp(const float *_Nonnull gain, float shift, float scale, float *_Nonnull weights, size_t count,
                        double *_Nonnull sum);
/// In place: weights[i] = factor * weights[i] + rest, in double, rounded once to float.
void smx_scale_and_add(float *_Nonnull weights, double factor, double rest, size_t count);

// MARK: Digests

/// XXH3, 64 bit.
uint64_t smx_hash(const void *_Nonnull bytes, size_t count, uint64_t seed);

/// XXH3 with seed 0 over bytes that come piece by piece: the same value as of all of them at once.
typedef struct smx_hasher smx_hasher;
/// Nil when there is no memory.
smx_hasher *_Nullable smx_hasher_create(void);
void smx_hasher_update(smx_hasher *_Nonnull hasher, const void *_Nonnull bytes, size_t count);
uint64_t smx_hasher_digest(const smx_hasher *_Nonnull hasher);
void smx_hasher_destroy(smx_hasher *_Nullable hasher);

#ifdef __cplusplus
}
#endif

#endif
