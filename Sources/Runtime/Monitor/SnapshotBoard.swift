import Synchronization

/// Where the network thread puts its newest snapshot and everybody else takes it. Neither ever waits for the other but
/// for the exchange of a reference.
final class SnapshotBoard: Sendable {
    private final class Page: Sendable {
        let snapshot: MonitorSnapshot
        init(_ snapshot: MonitorSnapshot) { self.snapshot = snapshot }
    }

    private let page: Mutex<Page>
    private let free = Mutex<UInt64?>(nil)

    init(_ first: MonitorSnapshot) { page = Mutex(Page(first)) }

    var newest: MonitorSnapshot { page.withLock { $0 }.snapshot }

    func put(_ snapshot: MonitorSnapshot) {
        let next = Page(snapshot)
        // The old one is let go outside of the lock.
        let old = page.withLock { page in
            defer { page = next }
            return page
        }
        withExtendedLifetime(old) {}
    }

    /// Room on the disk of the output directory, which is asked for where a dead file server holds nobody up.
    var outputFreeBytes: UInt64? {
        get { free.withLock { $0 } }
        set { free.withLock { $0 = newValue } }
    }
}
