import CKernels
import Common
import Synchronization

/// The data files that this process has mapped, and whether all that was read from them was really there.
///
/// Whoever has computed with data asks before the numbers leave: a file that lost pages reads as zeros (``FileMapping``), and
/// what was made of these must not be sent, compared, written or printed.
public enum MappedFiles {
    private struct State {
        var paths: [Int32: String] = [:]
        /// Of mappings that are gone.
        var damaged: String?
    }

    private static let state = Mutex(State())

    static func add(_ number: Int32, _ path: String) {
        if number >= 0 { state.withLock { $0.paths[number] = path } }
    }

    /// Before the mapping itself goes.
    static func remove(_ number: Int32) {
        guard number >= 0 else { return }
        state.withLock { state in
            if smx_mapping_is_damaged(number) { state.damaged = state.paths[number] }
            state.paths[number] = nil
            smx_mapping_forget(number)
        }
    }

    /// - Throws: `failed`, with the name of a file of which something was missing when it was read.
    public static func checkIntact() throws {
        let damaged = state.withLock { state in
            state.damaged ?? state.paths.first { smx_mapping_is_damaged($0.key) }?.value
        }
        guard let path = damaged else { return }
        throw SelMixError(
            .failed, "`\(path)` lost part of its content while it was in use",
            hint:
                "it was shortened or written anew in place, or its disk fails; bring it back and go on with --resume. A data "
                + "file can be replaced as a whole (mv), which does no harm to who has it open")
    }
}
