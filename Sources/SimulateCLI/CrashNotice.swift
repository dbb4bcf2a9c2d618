import Glibc

/// A programmer error in a state machine traps, which ends the process: before it does, the seeds that were running are
/// written to standard error, as one of them led to it.
enum CrashNotice {
    /// One place for each job; what is zero is not running. Seeds are kept plus one.
    nonisolated(unsafe) private static var running = UnsafeMutableBufferPointer<UInt64>(start: nil, count: 0)

    static func install(jobs: Int) {
        running = .allocate(capacity: jobs)
        running.initialize(repeating: 0)
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] {
            signal(number) { number in
                CrashNotice.tell()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    static func begin(_ seed: UInt64, job: Int) { running[job] = seed + 1 }

    /// Only what a signal handler may do: no allocation, no locks.
    private static func tell() {
        for entry in running where entry > 0 {
            write("trapped while running seed ")
            writeNumber(entry - 1)
            write("; replay: scripts/simulate --seed ")
            writeNumber(entry - 1)
            write(" --trace\n")
        }
    }

    private static func write(_ text: StaticString) { _ = Glibc.write(2, text.utf8Start, text.utf8CodeUnitCount) }

    private static func writeNumber(_ number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            var digit = UInt8(ascii: "0") + UInt8(number / divisor % 10)
            _ = Glibc.write(2, &digit, 1)
            divisor /= 10
        }
    }
}
