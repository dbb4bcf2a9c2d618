import CKernels
import Common
import Synchronization

/// The processor instructions that matrix products use. Another instruction set rounds differently, so it is part of a
/// run: fixed by the coordinator and kept by every worker before its first product.
public enum InstructionSet {
    /// The best that this machine has.
    public static var best: String { String(cString: smx_best_isa()) }

    /// All that there are, from the plainest, whether or not this machine has them.
    public static let names = (Int32(0)..<64).compactMap { smx_isa_name($0).map { String(cString: $0) } }

    public static func isSupported(_ name: String) -> Bool { smx_isa_is_supported(name) }

    /// The version of oneDNN in use; also part of a product's bits.
    public static var libraryVersion: String { String(cString: smx_onednn_version()) }

    /// Limits this process to `name` for good.
    ///
    /// - Throws: when the machine lacks it, or a product has already run with another one.
    public static func use(_ name: String) throws {
        // A process that leads several runs asks again; another answer would be too late.
        if chosen.withLock({ $0 }) == name { return }
        guard isSupported(name) else {
            throw SelMixError(
                .cluster, "this machine lacks the instruction set \(name)",
                hint: "set `cluster.instructionSet: \(best)` in the job file, or leave this machine out")
        }
        let status = smx_set_isa(name)
        // Without a choice oneDNN takes the best that there is, so a product that ran before did no harm to that one.
        guard status == 0 || name == best else {
            throw SelMixError(
                .failed, "the instruction set \(name) could not be chosen: a product has already run",
                cause: String(cString: smx_status_name(status)))
        }
        chosen.withLock { $0 = name }
    }

    private static let chosen = Mutex<String?>(nil)

    /// A digest of a few products and exponentials of fixed operands: two machines that agree on it round alike.
    public static func probe() throws -> UInt64 {
        let philox = Philox(seed: 0x5e1_310)
        let operand = { (lane: UInt32, rows: Int, columns: Int) in
            Matrix<Float>(
                rows: rows, columns: columns,
                values: (0..<rows * columns).map {
                    Float(philox.block(.probe, index: 0, slot: $0, lane: lane).low.unitInterval * 2 - 1)
                })
        }
        let a = operand(0, 37, 129)
        let b = operand(1, 53, 129)
        let wide = try a.times(b, transposingOther: true)
        let deep = try wide.times(a, transposingSelf: true)
        var exponentials = deep.values
        deep.values.withUnsafeBufferPointer { smx_exp($0.baseAddress!, &exponentials, $0.count) }
        return [wide.values, deep.values, exponentials].reduce(0) { seed, values in
            values.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, seed) }
        }
    }
}
