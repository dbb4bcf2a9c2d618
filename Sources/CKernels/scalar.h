// What the files of element-wise kernels share: how a function is compiled for several instruction sets, and the
// exponential. Not for Swift.
#ifndef SELMIX_SCALAR_H
#define SELMIX_SCALAR_H

#include <stdint.h>

#if defined(__x86_64__)
#define VARIANTS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VARIANTS
#endif

// exp by reduction to [-ln2/2, ln2/2] and a polynomial of degree 7 (Taylor; the rest is below 2^-24 there).
static inline __attribute__((always_inline)) float exp_one(float x) {
    float clamped = x < -88.0f ? -88.0f : x;
    clamped = clamped > 88.7f ? 88.7f : clamped;
    float n = __builtin_fmaf(clamped, 0x1.715476p+0f, 0x1.8p23f) - 0x1.8p23f;
    float r = __builtin_fmaf(n, -0x1.62e400p-1f, clamped);
    r = __builtin_fmaf(n, -0x1.7f7d1cp-20f, r);
    float p = 1.0f / 5040.0f;
    p = __builtin_fmaf(p, r, 1.0f / 720.0f);
    p = __builtin_fmaf(p, r, 1.0f / 120.0f);
    p = __builtin_fmaf(p, r, 1.0f / 24.0f);
    p = __builtin_fmaf(p, r, 1.0f / 6.0f);
    p = __builtin_fmaf(p, r, 0.5f);
    p = __builtin_fmaf(p, r, 1.0f);
    p = __builtin_fmaf(p, r, 1.0f);
    // 2^n in two factors, as n reaches 128.
    int32_t exponent = (int32_t)n;
    int32_t half = exponent >> 1;
    union { int32_t i; float f; } first = {(half + 127) << 23}, second = {(exponent - half + 127) << 23};
    float y = p * first.f * second.f;
    return x < -87.3f ? 0.0f : y;
}

#endif
