import Foundation

/// A run on its way to the thread that leads it, which is the only one that uses it until it is over.
struct CarriedRun: @unchecked Sendable {
    let value: CoordinatedRun
    init(_ value: CoordinatedRun) { self.value = value }

    /// Leading blocks a thread for the whole run, so it gets one of its own.
    func lead() async -> Result<RunReport, any Error> {
        await withCheckedContinuation { continuation in
            Thread { continuation.resume(returning: Result { try value.lead() }) }.start()
        }
    }
}
