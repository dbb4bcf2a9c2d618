import CKernels

/// In what numbers a worker computes and what travels; master weights, optimiser state and validation are always float32.
public enum Precision: String, Sendable, Codable, CaseIterable {
    case float32
    /// Half the bytes and, where the processor has products of it, twice the speed. Sums are float32.
    case bfloat16

    public var byteCount: Int { self == .bfloat16 ? 2 : 4 }

    /// Whether an instruction set has products of this type; without, oneDNN would emulate them slowly.
    public func isNative(in instructionSet: String) -> Bool {
        self == .float32 || instructionSet == "avx512_core_bf16"
    }

    /// As the kernels call it.
    public var kernelType: smx_type { self == .bfloat16 ? SMX_BFLOAT16 : SMX_FLOAT32 }
}
