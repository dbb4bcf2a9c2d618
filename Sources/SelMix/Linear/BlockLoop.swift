import Synchronization

/// How the blocks of a computation are run: each once, one after another or side by side.
///
/// What is a block does not depend on that, and blocks share nothing that they write, so neither do the results.
public struct BlockLoop: Sendable {
    private let run: @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void

    /// - Parameter run: calls `body` with each of 0 ..< count, and returns when all calls have.
    public init(_ run: @escaping @Sendable (_ count: Int, _ body: @Sendable (Int) -> Void) -> Void) { self.run = run }

    /// One after another, on the calling thread.
    public static let serial = BlockLoop { count, body in
        for index in 0..<count { body(index) }
    }

    /// - Throws: the error of one block, if any failed; the blocks that had not begun then are left out.
    public func callAsFunction(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws {
        let failure = Mutex<(any Error)?>(nil)
        run(count) { index in
            if failure.withLock({ $0 != nil }) { return }
            do {
                try body(index)
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
