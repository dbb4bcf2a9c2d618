// Matrix products on oneDNN, over its 2.x and 3.x C interfaces.

#include "CKernels.h"

#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// oneDNN's Debian build is threaded by OpenMP. The number of threads is a property of the calling thread, so each entry
// point sets it; a product on one thread and on two differs in most entries.
extern void omp_set_num_threads(int);

// MARK: Instruction set

static const struct {
    const char *name;
    dnnl_cpu_isa_t isa;
} known_isas[] = {
    {"sse41", dnnl_cpu_isa_sse41},
    {"avx", dnnl_cpu_isa_avx},
    {"avx2", dnnl_cpu_isa_avx2},
    {"avx512_core", dnnl_cpu_isa_avx512_core},
    {"avx512_core_vnni", dnnl_cpu_isa_avx512_core_vnni},
    {"avx512_core_bf16", dnnl_cpu_isa_avx512_core_bf16},
};
enum { known_isa_count = sizeof known_isas / sizeof known_isas[0] };

// Asked of the processor rather than of oneDNN, because oneDNN fixes its own answer when it is first asked.
static bool processor_has(const char *name) {
    __builtin_cpu_init();
    if (strcmp(name, "sse41") == 0) return __builtin_cpu_supports("sse4.1");
    if (strcmp(name, "avx") == 0) return __builtin_cpu_supports("avx");
    if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool core = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (strcmp(name, "avx512_core") == 0) return core;
    bool vnni = core && __builtin_cpu_supports("avx512vnni");
    if (strcmp(name, "avx512_core_vnni") == 0) return vnni;
    if (strcmp(name, "avx512_core_bf16") == 0) return vnni && __builtin_cpu_supports("avx512bf16");
    return false;
}

const char *smx_best_isa(void) {
    for (int i = known_isa_count - 1; i > 0; i--)
        if (processor_has(known_isas[i].name)) return known_isas[i].name;
    return known_isas[0].name;
}

const char *smx_isa_name(int index) {
    return index >= 0 && index < known_isa_count ? known_isas[index].name : NULL;
}

bool smx_isa_is_supported(const char *isa) { return processor_has(isa); }

int smx_set_isa(const char *isa) {
    for (int i = 0; i < known_isa_count; i++)
        if (strcmp(known_isas[i].name, isa) == 0) return dnnl_set_max_cpu_isa(known_isas[i].isa);
    return dnnl_invalid_arguments;
}

const char *smx_onednn_version(void) {
    static char text[32];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", version->major, version->minor, version->patch);
    return text;
}

const char *smx_status_name(int status) {
    switch (status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "not implemented for this processor";
    case dnnl_runtime_error: return "runtime error";
    default: return "unknown oneDNN status";
    }
}

// MARK: Products

struct smx_product {
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;
    // Memory objects whose data pointers are set at each run: a product belongs to one thread at a time.
    dnnl_memory_t a, b, c;
};

static dnnl_engine_t engine;
static int engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static void make_engine(void) { engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0); }

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc_t;
#define DESC_ARGUMENT(desc) (desc)
static int describe(desc_t *desc, int64_t rows, int64_t columns, bool transposed, dnnl_data_type_t type) {
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t strides = {transposed ? 1 : columns, transposed ? rows : 1};
    return dnnl_memory_desc_create_with_strides(desc, 2, dims, type, strides);
}
static void forget(desc_t desc) { dnnl_memory_desc_destroy(desc); }
#else
typedef dnnl_memory_desc_t desc_t;
#define DESC_ARGUMENT(desc) (&(desc))
static int describe(desc_t *desc, int64_t rows, int64_t columns, bool transposed, dnnl_data_type_t type) {
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t strides = {transposed ? 1 : columns, transposed ? rows : 1};
    return dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides);
}
static void forget(desc_t desc) { (void)desc; }
#endif

static int make_primitive(smx_product *product, desc_t a, desc_t b, desc_t c, bool accumulate) {
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t operations = NULL;
    dnnl_primitive_desc_t description = NULL;
    int status = dnnl_primitive_attr_create(&attributes);
    if (!status && accumulate) {
        status = dnnl_post_ops_create(&operations);
#if DNNL_VERSION_MAJOR >= 3
        if (!status) status = dnnl_post_ops_append_sum(operations, 1.0f, 0, dnnl_data_type_undef);
#else
        if (!status) status = dnnl_post_ops_append_sum(operations, 1.0f);
#endif
        if (!status) status = dnnl_primitive_attr_set_post_ops(attributes, operations);
    }
#if DNNL_VERSION_MAJOR >= 3
    if (!status) status = dnnl_matmul_primitive_desc_create(&description, engine, a, b, NULL, c, attributes);
#else
    dnnl_matmul_desc_t matmul;
    if (!status) status = dnnl_matmul_desc_init(&matmul, &a, &b, NULL, &c);
    if (!status) status = dnnl_primitive_desc_create(&description, &matmul, attributes, engine, NULL);
#endif
    if (!status) status = dnnl_primitive_create(&product->primitive, description);
    if (description) dnnl_primitive_desc_destroy(description);
    if (operations) dnnl_post_ops_destroy(operations);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    return status;
}

static dnnl_data_type_t data_type(smx_type type) { return type == SMX_BFLOAT16 ? dnnl_bf16 : dnnl_f32; }

int smx_product_create(smx_product **result, smx_product_shape shape) {
    omp_set_num_threads(1);
    pthread_once(&engine_once, make_engine);
    if (engine_status) return engine_status;
    smx_product *product = calloc(1, sizeof *product);
    if (!product) return dnnl_out_of_memory;

    dnnl_data_type_t type = data_type(shape.type);
    desc_t a, b, c;
    int status = describe(&a, shape.m, shape.k, shape.transposed_a, type);
    if (!status) {
        status = describe(&b, shape.k, shape.n, shape.transposed_b, type);
        if (!status) {
            status = describe(&c, shape.m, shape.n, false, data_type(shape.output));
            if (!status) {
                status = make_primitive(product, a, b, c, shape.accumulate);
                if (!status) status = dnnl_memory_create(&product->a, DESC_ARGUMENT(a), engine, DNNL_MEMORY_NONE);
                if (!status) status = dnnl_memory_create(&product->b, DESC_ARGUMENT(b), engine, DNNL_MEMORY_NONE);
                if (!status) status = dnnl_memory_create(&product->c, DESC_ARGUMENT(c), engine, DNNL_MEMORY_NONE);
                if (!status) status = dnnl_stream_create(&product->stream, engine, dnnl_stream_default_flags);
                forget(c);
            }
            forget(b);
        }
        forget(a);
    }
    if (status) {
        smx_product_destroy(product);
        return status;
    }
    *result = product;
    return dnnl_success;
}

int smx_product_run(const smx_product *product, const void *a, const void *b, void *c) {
    omp_set_num_threads(1);
    int status = dnnl_memory_set_data_handle(product->a, (void *)a);
    if (!status) status = dnnl_memory_set_data_handle(product->b, (void *)b);
    if (!status) status = dnnl_memory_set_data_handle(product->c, c);
    if (status) return status;
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, product->a}, {DNNL_ARG_WEIGHTS, product->b}, {DNNL_ARG_DST, product->c}};
    status = dnnl_primitive_execute(product->primitive, product->stream, 3, arguments);
    if (!status) status = dnnl_stream_wait(product->stream);
    return status;
}

void smx_product_destroy(smx_product *product) {
    if (!product) return;
    if (product->primitive) dnnl_primitive_destroy(product->primitive);
    if (product->a) dnnl_memory_destroy(product->a);
    if (product->b) dnnl_memory_destroy(product->b);
    if (product->c) dnnl_memory_destroy(product->c);
    if (product->stream) dnnl_stream_destroy(product->stream);
    free(product);
}
