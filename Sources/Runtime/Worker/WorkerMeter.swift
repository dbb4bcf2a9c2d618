import Coordination
import Foundation
import Synchronization

/// Measures what a worker does, for the telemetry of its heartbeats. The computing thread tells it of every assignment, the
/// network thread asks; between them is a lock that is held for microseconds.
final class WorkerMeter: Sendable {
    private static let window = 128
    /// Heartbeats over which waiting for the disk is averaged.
    private static let beats = 16

    /// What a thread has used so far.
    private struct Usage {
        var time = Duration.zero
        var processor = Duration.zero
        /// Pages that were not in memory.
        var faults = 0

        static func - (a: Usage, b: Usage) -> Usage {
            Usage(time: a.time - b.time, processor: a.processor - b.processor, faults: a.faults - b.faults)
        }

        static func + (a: Usage, b: Usage) -> Usage {
            Usage(time: a.time + b.time, processor: a.processor + b.processor, faults: a.faults + b.faults)
        }
    }

    /// The phases of one assignment of a step, in seconds. What is computed ahead of it counts as computing; that goes on while
    /// the assignment before is handed over.
    private struct Sample {
        var wait = 0.0
        var gather = 0.0
        var compute = 0.0
        var send = 0.0
    }

    private struct Running {
        var thread: pid_t
        var since: Instant
        var usage: Usage
    }

    private struct State {
        var running: Running?
        /// The computing thread; a queue may change it.
        var thread: (handle: pthread_t, id: pid_t)?
        /// Of all assignments that are over, and what was computed ahead.
        var done = Usage()
        /// How long was computed ahead of the next assignment.
        var ahead = Duration.zero
        var samples = 0
        /// Computed, and not yet handed over.
        var pending: (sample: Sample, end: Instant)?
        var handedOver: Instant?
        var ring: [Sample] = []
        var next = 0
    }

    /// What was there at the heartbeat before; used by the network thread alone.
    private struct Before {
        var at: Instant
        var processor: Duration
        var usage = Usage()
        var samples = 0
    }

    private let state = Mutex(State())
    private let before: Mutex<Before>
    private let blocked = Mutex<[(busy: Double, disk: Double, processor: Double)]>([])
    private let disk = Mutex<(bytes: UInt64, asked: Instant?)>((0, nil))
    private let cores = UInt32(ProcessInfo.processInfo.activeProcessorCount)
    let bytesSent = Atomic<UInt64>(0)
    let bytesReceived = Atomic<UInt64>(0)
    let errors = Atomic<UInt64>(0)
    private let roundTrip = Mutex<(sent: Instant?, took: Duration)>((nil, .zero))

    init() { before = Mutex(Before(at: SystemClock.now, processor: Self.processTime)) }

    // MARK: The computing thread

    /// Runs an assignment's computation.
    ///
    /// - Parameters:
    ///   - samples: how many training samples it has; 0 for a validation, whose phases are not told.
    ///   - gathered: how long its samples were read and mixed, asked afterwards.
    func measure<Result>(samples: Int, gathered: () -> Duration, _ body: () throws -> Result) rethrows -> Result {
        let (begin, idle) = (SystemClock.now, state.withLock { $0.handedOver }.map { SystemClock.now - $0 })
        defer {
            let (end, gather) = (SystemClock.now, gathered())
            state.withLock { state in
                let ahead = state.ahead
                state.ahead = .zero
                state.samples += samples
                guard samples > 0 else { return }
                state.pending = (
                    Sample(
                        wait: max(0, ((idle ?? .zero) - ahead).seconds), gather: gather.seconds,
                        compute: max(0, (end - begin + ahead - gather).seconds)), end
                )
            }
        }
        return try use(body)
    }

    /// Runs what is computed ahead of the next assignment.
    func measureAhead<Result>(_ body: () throws -> Result) rethrows -> Result {
        let begin = SystemClock.now
        defer { state.withLock { $0.ahead = $0.ahead + (SystemClock.now - begin) } }
        return try use(body)
    }

    /// Counts what this thread uses.
    private func use<Result>(_ body: () throws -> Result) rethrows -> Result {
        let begin = SystemClock.now
        let usage = Self.threadUsage(at: begin)
        state.withLock { state in
            if state.thread?.handle != pthread_self() { state.thread = Self.thread }
            state.running = Running(thread: state.thread?.id ?? 0, since: begin, usage: usage)
        }
        defer {
            let used = Self.threadUsage(at: SystemClock.now) - usage
            state.withLock { state in
                state.running = nil
                state.done = state.done + used
            }
        }
        return try body()
    }

    // MARK: The network thread

    /// All messages of the assignment that was computed last are with ZeroMQ.
    func handedOver(at now: Instant) {
        state.withLock { state in
            state.handedOver = now
            guard let (computed, end) = state.pending else { return }
            var sample = computed
            state.pending = nil
            sample.send = (now - end).seconds
            if state.ring.count < Self.window {
                state.ring.append(sample)
            } else {
                state.ring[state.next] = sample
                state.next = (state.next + 1) % Self.window
            }
        }
    }

    /// A message that will be answered was sent.
    func asked(at now: Instant) { roundTrip.withLock { $0.sent = now } }

    /// - Returns: how long the answer took; nil where none was waited for.
    @discardableResult
    func answered(at now: Instant) -> Duration? {
        roundTrip.withLock { trip in
            guard let sent = trip.sent else { return nil }
            trip = (nil, now - sent)
            return trip.took
        }
    }

    /// What goes with a heartbeat.
    func telemetry(at now: Instant) -> WorkerTelemetry {
        let (usage, isBlocked, samples, ring) = state.withLock { state in
            let (running, isBlocked) = state.running.map { Self.usage(of: $0, at: now) } ?? (Usage(), false)
            return (state.done + running, isBlocked, state.samples, state.ring)
        }
        let processor = Self.processTime
        let last = before.withLock { before in
            defer { before = Before(at: now, processor: processor, usage: usage, samples: samples) }
            return before
        }
        let passed = (now - last.at).seconds
        let recent = usage - last.usage
        var telemetry = WorkerTelemetry()
        telemetry.cores = cores
        if passed > 0 { telemetry.cpu = (processor - last.processor).seconds / passed }
        (telemetry.diskWait, telemetry.busyCPU) = shares(recent, isBlocked: isBlocked)
        if recent.time > .zero {
            telemetry.samplesPerSecond = Double(samples - last.samples) / recent.time.seconds
        }
        telemetry.memoryBytes = ProcessMemory.residentBytes ?? 0
        telemetry.memoryPrivateBytes = ProcessMemory.privateBytes ?? 0
        telemetry.diskFreeBytes = diskFreeBytes(at: now)
        telemetry.bytesSent = bytesSent.load(ordering: .relaxed)
        telemetry.bytesReceived = bytesReceived.load(ordering: .relaxed)
        telemetry.errors = errors.load(ordering: .relaxed)
        telemetry.roundTrip = roundTrip.withLock { $0.took.seconds }
        telemetry.phases = Self.phases(ring)
        return telemetry
    }

    /// Of the working time of the last heartbeats: the share that went by in waiting for pages, and on a processor. A thread
    /// that neither waits for a page nor computes is held back by something else.
    ///
    /// - Parameter isBlocked: it waits for a page right now, maybe for the same since the last heartbeat.
    private func shares(_ recent: Usage, isBlocked: Bool) -> (disk: Double, processor: Double) {
        let busy = max(0, recent.time.seconds)
        let processor = min(busy, max(0, recent.processor.seconds))
        let disk = recent.faults > 0 || isBlocked ? busy - processor : 0
        return blocked.withLock { beats in
            beats = Array((beats + [(busy, disk, processor)]).suffix(Self.beats))
            let total = beats.reduce(0) { $0 + $1.busy }
            guard total > 0.01 else { return (0, 0) }
            return (beats.reduce(0) { $0 + $1.disk } / total, beats.reduce(0) { $0 + $1.processor } / total)
        }
    }

    /// Asked aside and now and then, as a dead file server may hold up whoever asks.
    private func diskFreeBytes(at now: Instant) -> UInt64 {
        disk.withLock { disk in
            if disk.asked.map({ now - $0 > .seconds(5) }) ?? true {
                disk.asked = now
                DispatchQueue.global(qos: .utility).async { [self] in
                    let free = DiskSpace.freeBytes(".") ?? 0
                    self.disk.withLock { $0.bytes = free }
                }
            }
            return disk.bytes
        }
    }

    private static func phases(_ ring: [Sample]) -> WorkerTelemetry.Phases {
        var phases = WorkerTelemetry.Phases()
        guard !ring.isEmpty else { return phases }
        func quantiles(_ value: (Sample) -> Double) -> WorkerTelemetry.Quantiles {
            let sorted = ring.map(value).sorted()
            return .init(p50: sorted[(sorted.count - 1) / 2], p95: sorted[(sorted.count - 1) * 95 / 100])
        }
        phases.gather = quantiles(\.gather)
        phases.compute = quantiles(\.compute)
        phases.send = quantiles(\.send)
        phases.wait = quantiles(\.wait)
        phases.step = quantiles { $0.wait + $0.gather + $0.compute + $0.send }
        return phases
    }

    // MARK: What the system tells

    /// This thread.
    private static var thread: (handle: pthread_t, id: pid_t)? {
        var target = [UInt8](repeating: 0, count: 64)
        let count = target.withUnsafeMutableBytes {
            readlink("/proc/thread-self", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { return nil }
        let path = String(decoding: target.prefix(count), as: UTF8.self)
        return path.split(separator: "/").last.flatMap { pid_t($0) }.map { (pthread_self(), $0) }
    }

    private static func threadUsage(at now: Instant) -> Usage {
        var usage = rusage()
        // RUSAGE_THREAD, which the module map of the C library leaves out.
        getrusage(1, &usage)
        return Usage(
            time: now.sinceOrigin, processor: duration(usage.ru_utime) + duration(usage.ru_stime),
            faults: usage.ru_majflt)
    }

    /// Of an assignment that is not done, seen from another thread.
    private static func usage(of running: Running, at now: Instant) -> (usage: Usage, isBlocked: Bool) {
        var usage = Usage(time: now - running.since)
        guard let text = try? String(contentsOfFile: "/proc/self/task/\(running.thread)/stat", encoding: .utf8),
            // The second field is the thread's name in brackets, which may hold anything.
            let fields = text.split(separator: ")").last?.split(separator: " "), fields.count > 12
        else { return (usage, false) }
        let ticks = (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
        let processor = Duration.milliseconds(ticks * 1000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
        usage.processor = max(.zero, processor - running.usage.processor)
        usage.faults = max(0, (Int(fields[9]) ?? 0) - running.usage.faults)
        // In an uninterruptible sleep: the page that it waits for is not there yet.
        return (usage, fields[0] == "D")
    }

    private static var processTime: Duration {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return duration(usage.ru_utime) + duration(usage.ru_stime)
    }

    private static func duration(_ time: timeval) -> Duration {
        .seconds(time.tv_sec) + .microseconds(time.tv_usec)
    }
}
